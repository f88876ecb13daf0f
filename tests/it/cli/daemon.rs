//! `serve` and `work` as processes: signals, ports, and what they say.

use std::net::TcpListener;

use callboard_core::store::Dialect::Sqlite;

use super::refuses;
use crate::scenario::model::set_writer;
use crate::support::daemon::{Daemon, eventually, get};
use crate::support::factory::{DAY, Factory, KEEP, board, diary};
use crate::support::model::{ModelServer, Say};

#[test]
fn serve_ends_in_good_order_on_ctrl_c_and_on_a_request_to_terminate() {
    let factory = Factory::bare(Sqlite);
    for signal in ["INT", "TERM", "HUP"] {
        let server = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
        let address = server.address();
        assert_eq!(get(address, "/").status, 200);
        let console = server.console();
        assert_eq!(get(console, "/console").status, 200);
        server.signal(signal);
        let ran = server.ended();
        assert_eq!(ran.code, 0, "{signal}: {ran}");
        assert!(
            !ran.stderr.contains("panicked") && !ran.stderr.contains("error"),
            "{signal}: {ran}"
        );
        for address in [address, console] {
            TcpListener::bind(address).expect("the port is free again");
        }
    }
    factory.ok(&["check"]);
}

#[test]
fn work_ends_in_good_order_on_each_signal() {
    let factory = Factory::bare(Sqlite);
    for signal in ["INT", "TERM", "HUP"] {
        let worker = Daemon::start(&factory, &["work"]);
        worker.until("Ctrl-C stops");
        worker.signal(signal);
        let ran = worker.ended();
        assert_eq!(ran.code, 0, "{signal}: {ran}");
    }
    refuses(&factory, &["work", "--slots", "0"], 2, &["--slots 0"]);
}

#[test]
fn a_port_in_use_is_named_with_the_option_for_another() {
    let factory = Factory::bare(Sqlite);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let port = address.rsplit(':').next().expect("a port");
    refuses(
        &factory,
        &["serve", "--listen", &address],
        3,
        &[port, "--listen"],
    );
    for (option, wrong) in [("--listen", "nowhere"), ("--console", "localhost:x")] {
        let ran = factory.run(&["serve", option, wrong]);
        assert_eq!(ran.code, 2, "{ran}");
        assert!(ran.stderr.contains("localhost:8710"), "{ran}");
    }
    refuses(
        &factory,
        &["serve", "--listen", "127.0.0.1:0", "--console", &address],
        3,
        &[port, "--console"],
    );
}

#[test]
fn a_name_of_this_machine_is_an_address_to_listen_on() {
    let factory = Factory::bare(Sqlite);
    let line = [
        "serve",
        "--no-work",
        "--listen",
        "localhost:0",
        "--console",
        "localhost:0",
    ];
    let server = Daemon::start(&factory, &line);
    assert_eq!(get(server.address(), "/").status, 200);
    assert_eq!(get(server.console(), "/console").status, 200);
    refuses(
        &factory,
        &["serve", "--listen", "nobody.invalid:0"],
        3,
        &["nobody.invalid:0"],
    );
}

#[test]
fn a_site_that_cannot_be_shown_is_said_everywhere_and_the_worker_goes_on() {
    let factory = Factory::bare(Sqlite);
    factory.ok(&["settings", "set", "site.title", "Two words"]);
    let front = factory.read("site/index.html");
    let title = "{% block extra %}{{ (site.name|split(\" \")|list)[1]|upper }}{% endblock %}";
    factory.write("site/index.html", front + title);
    let base = factory.read("site/base.html");
    factory.write(
        "site/base.html",
        base.replace("</body>", "{% block extra %}{% endblock %}</body>"),
    );
    factory.ok(&["apply"]);
    // What was right when it was applied fails by a setting.
    factory.ok(&["settings", "set", "site.title", "One"]);
    for command in ["check", "doctor"] {
        let ran = factory.run(&[command]);
        assert_eq!(ran.code, 1, "{command}: {ran}");
        assert!(ran.stdout.contains("index.html"), "{command}: {ran}");
    }
    let server = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    let (site, console) = (server.address(), server.console());
    for path in ["/", "/feed.xml", "/health"] {
        assert_eq!(get(site, path).status, 503, "{path}");
    }
    assert!(get(console, "/console").body.contains("index.html"));
    let open = factory.json(&["findings", "list"]);
    assert!(open.to_string().contains("index.html"), "{open}");
    let queued = factory.run(&["policies", "run", KEEP]);
    assert_eq!(queued.code, 0, "{queued}");
    factory.ok(&["settings", "set", "site.title", "Two words"]);
    eventually("the site is back", || {
        (get(site, "/health").status == 200).then_some(())
    });
    assert_eq!(factory.run(&["doctor"]).code, 0);
    assert_eq!(factory.json(&["findings", "list"]).to_string(), "[]");
}

#[test]
fn an_interrupted_run_says_how_it_goes_on() {
    let factory = Factory::bare(Sqlite);
    let server = ModelServer::new(Say::Hang);
    set_writer(&factory, &server);
    let repository = board();
    let line = diary(repository.path(), DAY);
    let run = Daemon::start(&factory, &line.each_ref().map(String::as_str));
    server.until_asked();
    run.signal("INT");
    let ran = run.ended();
    assert_eq!(ran.code, 130, "{ran}");
    assert!(ran.stderr.contains("interrupted"), "{ran}");
    assert!(ran.stderr.contains("callboard runs resume"), "{ran}");
    assert_eq!(factory.count("stage_runs"), 1, "what was committed is kept");
}

#[test]
fn a_server_shows_what_another_process_publishes_and_applies() {
    let factory = Factory::bare(Sqlite);
    let server = Daemon::start(&factory, &["serve", "--no-work", "--listen", "127.0.0.1:0"]);
    let address = server.address();
    assert!(!get(address, "/").body.contains("/posts/"));
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", &factory.task()]);
    let posts = factory.json(&["posts", "list"]);
    let slug = posts[0]["slug"].as_str().expect("a slug");
    assert_eq!(get(address, &format!("/posts/{slug}")).status, 200);
    factory.ok(&["settings", "set", "site.title", "Another diary"]);
    eventually("the title changes", || {
        get(address, "/")
            .body
            .contains("Another diary")
            .then_some(())
    });
    factory.write("site/not_found.html", "Nothing of that name, friend.");
    factory.ok(&["apply"]);
    eventually("the template changes", || {
        get(address, "/posts/nobody")
            .body
            .contains("friend")
            .then_some(())
    });
}
