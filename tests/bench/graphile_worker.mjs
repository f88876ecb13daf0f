// Jobs a second of graphile-worker, and how long a single job waits for its start.
//
//     node graphile_worker.mjs --postgres postgres://… [--jobs 5000] [--concurrency 24] [--singles 200]
//
// Three lines of JSON:
// * `queue` with settings `default`: no-op jobs, all in the table before the clock starts; each is
//   claimed and completed by a commit of its own. The defaults but for the number of jobs at once
//   (graphile-worker's own is 1), with the pool that its documentation asks for.
// * `queue` with settings `local-queue`: the same, claimed 500 at a time and completed in batches
//   (`localQueue`, `completeJobBatchDelay: 0`), its fastest; a crash runs again what was batched.
// * `latency` with the default settings: one job at a time on idle workers that LISTEN, from the
//   call of `addJob` (its commit included) to the start of the task.
//
// A queue's clock runs from the first worker that asks for a job to the moment when no row is left,
// which is how graphile-worker records success. Durability is the server's, read back. The database
// has to hold no other jobs.

import { EventEmitter, once } from "node:events";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

// The packages lie where `just _peers` put them, or else beside this file.
const installed = process.env.CALLBOARD_BENCH_PEERS;
const require = createRequire(installed ? pathToFileURL(`${installed}/`) : import.meta.url);
const { Logger, makeWorkerUtils, run } = require("graphile-worker");
const { version } = require("graphile-worker/package.json");
const pg = require("pg");

const TASK = "nothing";
const LOOK_AGAIN_MS = 5;
const IDLE_MS = 20;
const GIVE_UP_AFTER_MS = 600_000;
const SETTINGS = {
  default: {},
  "local-queue": { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
};

const logger = new Logger(() => (level, message) => {
  if (level === "error" || level === "warning") console.error(message);
});

function fail(message) {
  console.error(message);
  process.exit(1);
}

function positive(name, text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) fail(`--${name} ${text} is not a number above 0`);
  return number;
}

function given() {
  const { values } = parseArgs({
    options: {
      postgres: { type: "string" },
      jobs: { type: "string", default: "5000" },
      concurrency: { type: "string", default: "24" },
      singles: { type: "string", default: "200" },
    },
  });
  if (!values.postgres) fail("--postgres postgres://… is missing");
  const number = (name) => positive(name, values[name]);
  return {
    url: values.postgres,
    jobs: number("jobs"),
    concurrency: number("concurrency"),
    singles: number("singles"),
  };
}

/** Workers that run, and their events. */
async function start({ url, concurrency }, worker, task) {
  const events = new EventEmitter();
  const moment = (name) => once(events, name).then(() => performance.now());
  const asked = Promise.race([moment("worker:getJob:start"), moment("localQueue:init")]);
  const listening = moment("pool:listen:success");
  const runner = await run({
    events,
    taskList: { [TASK]: task },
    parsedCronItems: [],
    noHandleSignals: true,
    preset: {
      worker: {
        connectionString: url,
        concurrentJobs: concurrency,
        maxPoolSize: concurrency + 2,
        logger,
        ...worker,
      },
    },
  });
  runner.promise.catch((error) => fail(`the workers ended: ${error.message}`));
  return { runner, asked, listening };
}

async function remaining(database) {
  const query = "SELECT count(*)::int AS jobs FROM graphile_worker.jobs";
  return (await database.query(query)).rows[0].jobs;
}

/** The moment when no job is left. */
async function emptied(database, jobs, progress) {
  const deadline = performance.now() + GIVE_UP_AFTER_MS;
  while (progress.started < jobs || (await remaining(database)) > 0) {
    if (performance.now() > deadline) {
      fail(`${progress.started} of ${jobs} jobs started, ${await remaining(database)} are not done`);
    }
    await sleep(LOOK_AGAIN_MS);
  }
  return performance.now();
}

async function queue(options, database, settings) {
  const { jobs, concurrency } = options;
  const fill = `SELECT graphile_worker.add_job('${TASK}', json_build_object('job', job))
    FROM generate_series(1, $1::int) AS job`;
  await database.query(fill, [jobs]);

  const progress = { started: 0 };
  const task = () => void (progress.started += 1);
  const { runner, asked } = await start(options, SETTINGS[settings], task);
  const seconds = ((await emptied(database, jobs, progress)) - (await asked)) / 1000;
  await runner.stop();
  if (progress.started !== jobs) fail(`${jobs} jobs were started ${progress.started} times`);
  return { measure: "queue", settings, concurrency, jobs, seconds, jobs_a_second: jobs / seconds };
}

/** The smallest of the sorted values that so large a part of them does not exceed. */
function percentile(sorted, part) {
  return sorted[Math.ceil(part * sorted.length) - 1];
}

async function latency(options, database, utilities) {
  const { singles, concurrency } = options;
  let started;
  const { runner, listening } = await start(options, SETTINGS.default, () =>
    started(performance.now()),
  );
  await listening;
  const waits = [];
  for (let single = 0; single < singles; single += 1) {
    await sleep(IDLE_MS);
    const start = new Promise((resolve) => (started = resolve));
    const called = performance.now();
    await utilities.addJob(TASK, { single });
    waits.push((await start) - called);
  }
  await emptied(database, singles, { started: waits.length });
  await runner.stop();
  waits.sort((a, b) => a - b);
  return {
    measure: "latency",
    settings: "default",
    concurrency,
    jobs: singles,
    median_ms: percentile(waits, 0.5),
    p99_ms: percentile(waits, 0.99),
  };
}

async function durability(database) {
  const settings = ["fsync", "synchronous_commit"];
  const found = await Promise.all(settings.map((it) => database.query(`SHOW ${it}`)));
  return settings.map((it, index) => `${it}=${found[index].rows[0][it]}`).join(", ");
}

async function main() {
  const options = given();
  const utilities = await makeWorkerUtils({ connectionString: options.url, logger });
  await utilities.migrate();
  const database = new pg.Pool({ connectionString: options.url });
  const left = await remaining(database);
  if (left !== 0) fail(`the database holds ${left} jobs already: give an empty one`);

  const common = {
    peer: "graphile-worker",
    version,
    store: "postgres",
    durability: await durability(database),
  };
  const report = (figures) => console.log(JSON.stringify({ ...common, ...figures }));
  for (const settings of Object.keys(SETTINGS)) report(await queue(options, database, settings));
  report(await latency(options, database, utilities));
  await utilities.release();
  await database.end();
}

main().catch((error) => fail(error.stack));
