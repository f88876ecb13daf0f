-- Runs that lost a worker: which of them are carried out alone is asked every second.
CREATE INDEX open_runs_suspects ON open_runs (wake_at)
    WHERE recoveries > 0 AND status IN ('queued', 'waiting', 'blocked');
