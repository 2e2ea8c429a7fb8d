//! Grants over the socket: what is refused without one, what is shown before, what holds afterwards and for which file.

use std::fs;
use std::net::TcpListener;

use anyhow::Result;
use padgate_ipc::error::ErrorCode;
use padgate_ipc::event::OutcomeKind;
use padgate_ipc::method::{GrantPlugin, RescanPlugins};
use padgate_ipc::plugin::{GrantParams, How, PluginState, Risk};
use padgate_tests::folder::Folder;
use padgate_tests::plugin::Plugin;

use super::{Stage, assert_done, assert_outcome, map, map_at, refusal};
use crate::with_pads;

/// It wants to write to the folder `notes` of the home folder.
fn writer() -> Plugin {
    Plugin::steady("writer").requests("filesystem = { write = [\"~/notes\"] }")
}

/// A daemon with plugins, and a folder `notes` with `inner` in it. The notes C1 and D1 have `writer` write a file to each,
/// E1 another.
fn with_notes(plugin: &Plugin) -> Result<Stage> {
    let folder = Folder::new("")?;
    fs::create_dir_all(folder.home().join("notes/inner"))?;
    let at = |name: &str| folder.home().join("notes").join(name).display().to_string();
    let config = [
        map_at("C1", "writer", "write", &at("outer.txt")),
        map_at("D1", "writer", "write", &at("inner/inner.txt")),
        map("E1", "writer", "well"),
    ];
    folder.write_config(with_pads(&config.concat()))?;
    plugin.install(&folder)?;
    Stage::start(folder)
}

/// Why a call of a plugin that waits for a grant of files is refused.
const MAY_NOT: &[&str] =
    &["\"writer\" may not reach files outside its own folder", "padgate plugin grant writer"];

#[test]
fn refused_then_shown_then_granted_then_taken_back() -> Result<()> {
    let mut stage = with_notes(&writer())?;
    let file = stage.daemon.home().join("notes/outer.txt");
    let watch = &mut stage.watch;
    let waiting = watch.plugin("writer")?;
    assert_eq!((waiting.state, waiting.pid, waiting.risk), (PluginState::Waiting, None, Some(Risk::High)));
    assert_outcome(&watch.tap("C1")?, OutcomeKind::Refused, MAY_NOT);
    assert!(!file.exists());
    assert_eq!(watch.plugin("writer")?.pid, None, "nothing of it was run");
    assert_eq!(watch.plugin_stats("writer")?.refusals, 1);
    watch.audited("writer", "refusal", MAY_NOT[0])?;
    assert!(
        watch.status()?.hints.iter().any(|hint| hint.contains(MAY_NOT[1])),
        "{:?}",
        watch.status()?.hints
    );

    let proposal = watch.propose("writer", &[])?;
    assert!(!proposal.done && proposal.refused.is_empty() && proposal.has.is_empty(), "{proposal:?}");
    let part = &proposal.grants[0];
    assert_eq!((&*part.capability, part.risk, part.direct), ("filesystem", Risk::High, true));
    assert_eq!((&*part.scope, &part.of), ("write:~/notes", &None));
    assert!(part.meaning.contains("~/notes"), "{part:?}");
    assert_eq!(watch.plugin("writer")?.state, PluginState::Waiting, "a dry run grants nothing");

    let granted = watch.grant("writer", &[])?;
    assert!(granted.done && granted.after.is_some_and(|after| after.state == PluginState::Enabled));
    assert_done(&watch.tap("C1")?);
    assert_eq!(fs::read_to_string(&file)?, "!");
    watch.audited("writer", "grant", "write:~/notes")?;
    assert_eq!(watch.plugin_info("writer")?.requests[0].how, How::User);

    let revoked = watch.revoke("writer")?;
    assert_eq!(
        (revoked.revoked, revoked.restarted),
        (vec!["filesystem".to_owned()], false),
        "it waits, and does not run"
    );
    assert_eq!(revoked.plugin.state, PluginState::Waiting);
    fs::remove_file(&file)?;
    assert_outcome(&watch.tap("C1")?, OutcomeKind::Refused, MAY_NOT);
    assert!(!file.exists());
    assert_eq!(watch.plugin_info("writer")?.requests[0].how, How::Revoked);
    watch.audited("writer", "revoke", "filesystem")?;
    assert_eq!(watch.plugin_stats("writer")?.refusals, 2);
    Ok(())
}

#[test]
fn nobody_grants_what_he_did_not_see() -> Result<()> {
    let mut stage = with_notes(&writer())?;
    let proposal = stage.watch.propose("writer", &[])?;
    let confirmed = |confirm: &str| GrantParams {
        plugin: "writer".to_owned(),
        confirm: Some(confirm.to_owned()),
        ..GrantParams::default()
    };
    // Another file, between the look and the yes.
    writer().with("OTHERWISE").install(&stage.daemon)?;
    for params in [confirmed(&proposal.confirm), confirmed(""), confirmed("yes")] {
        let error = stage.watch.client.call::<GrantPlugin>(&params).expect_err("it is another file");
        assert_eq!(refusal(error)?.kind(), ErrorCode::Changed);
    }
    assert_eq!(stage.watch.plugin("writer")?.state, PluginState::Waiting);
    // Another request, of the same file.
    let proposal = stage.watch.propose("writer", &[])?;
    let larger = writer().requests("filesystem = { write = [\"~/notes\"], read = [\"~\"] }");
    larger.write_manifest(&stage.daemon.plugins().join("writer"))?;
    let error = stage.watch.client.call::<GrantPlugin>(&confirmed(&proposal.confirm));
    assert_eq!(refusal(error.expect_err("it asks for more"))?.kind(), ErrorCode::Changed);
    let grants = stage.daemon.path().join("data/padgate/grants.toml");
    assert!(!grants.exists() || !fs::read_to_string(grants)?.contains("[[grant]]"));
    Ok(())
}

#[test]
fn a_granted_port_is_reached_and_no_other() -> Result<()> {
    let (one, other) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    let at = |listener: &TcpListener| {
        Ok::<_, anyhow::Error>(format!("localhost:{}", listener.local_addr()?.port()))
    };
    let config =
        map_at("C1", "caller", "connect", &at(&one)?) + &map_at("D1", "caller", "connect", &at(&other)?);
    let caller = Plugin::steady("caller").requests("network = [\"*\"]");
    let mut stage = Stage::new(&[&caller], &config)?;
    let watch = &mut stage.watch;
    let may_not = ["\"caller\" may not use the network", "padgate plugin grant caller"];
    assert_outcome(&watch.tap("C1")?, OutcomeKind::Refused, &may_not);

    let narrow = format!("network={}", at(&one)?);
    let proposal = watch.propose("caller", &[&narrow])?;
    assert_eq!((&*proposal.grants[0].scope, proposal.grants[0].of.as_deref()), (&*at(&one)?, Some("*")));
    assert_eq!(proposal.risk, Some(Risk::Low), "a port of this computer is less than any host");
    watch.grant("caller", &[&narrow])?;
    assert_done(&watch.tap("C1")?);
    one.accept()?;
    let refused = watch.tap("D1")?;
    assert_outcome(&refused, OutcomeKind::Refused, &["caller", &at(&other)?, "padgate plugin grant caller"]);
    other.set_nonblocking(true)?;
    assert_eq!(other.accept().map(drop).map_err(|error| error.kind()), Err(std::io::ErrorKind::WouldBlock));
    watch.audited("caller", "refusal", &at(&other)?)?;
    let stats = watch.plugin_stats("caller")?;
    assert!(stats.refusals >= 2 && stats.executions == 2 && stats.failures == 1, "{stats:?}");

    // More than it asks for, or nonsense, is no grant at all.
    for (wish, word) in
        [("midi", "midi"), ("network=host:99999", "99999"), ("filesystem=read:/etc", "filesystem")]
    {
        let error = watch.propose("caller", &[wish]).expect_err(wish).to_string();
        assert!(error.contains(word), "{wish}: {error}");
    }
    Ok(())
}

#[test]
fn a_narrower_folder_takes_the_wider_one_from_a_running_plugin() -> Result<()> {
    let mut stage = with_notes(&writer())?;
    let watch = &mut stage.watch;
    watch.grant("writer", &[])?;
    assert_done(&watch.tap("C1")?);
    assert_done(&watch.tap("D1")?);
    let generation = |watch: &mut padgate_tests::events::Watch| {
        Ok::<_, anyhow::Error>(watch.plugin_info("writer")?.host.map(|host| host.generation))
    };
    let before = generation(watch)?;
    watch.grant("writer", &["filesystem=write:~/notes/inner"])?;
    assert_outcome(
        &watch.tap("C1")?,
        OutcomeKind::Failed,
        &["can't write", "outer.txt", "Permission denied"],
    );
    assert_done(&watch.tap("D1")?);
    assert!(generation(watch)? > before, "what it may do is the system's to keep, from its start on");
    // And back.
    watch.grant("writer", &[])?;
    assert_done(&watch.tap("C1")?);
    Ok(())
}

#[test]
fn low_risk_is_granted_by_itself_unless_the_user_says_otherwise() -> Result<()> {
    let player = Plugin::steady("player").requests("midi = true");
    let config = map("C1", "player", "well");
    let mut stage = Stage::new(&[&player], &config)?;
    assert_done(&stage.watch.tap("C1")?);
    assert_eq!(stage.watch.plugin_info("player")?.requests[0].how, How::Auto);
    // Taken back, it stays taken back.
    stage.watch.revoke("player")?;
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, &["may not use MIDI devices"]);
    stage.watch.grant("player", &[])?;
    assert_done(&stage.watch.tap("C1")?);

    let careful = format!("[plugins]\nauto_grant = \"none\"\n{config}");
    let mut stage = Stage::new(&[&player], &careful)?;
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, &["may not use MIDI devices"]);
    stage.watch.grant("player", &[])?;
    assert_done(&stage.watch.tap("C1")?);
    Ok(())
}

#[test]
fn another_file_asks_again_and_the_old_one_is_still_granted() -> Result<()> {
    let mut stage = with_notes(&writer())?;
    stage.watch.grant("writer", &[])?;
    assert_done(&stage.watch.tap("C1")?);
    writer().with("OTHERWISE").install(&stage.daemon)?;
    stage.watch.call::<RescanPlugins>(&padgate_ipc::method::Empty {})?;
    assert_eq!(stage.watch.plugin("writer")?.state, PluginState::Waiting);
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, MAY_NOT);
    stage.watch.audited("writer", "integrity", "has changed")?;
    writer().install(&stage.daemon)?;
    stage.watch.call::<RescanPlugins>(&padgate_ipc::method::Empty {})?;
    assert_done(&stage.watch.tap("C1")?);
    Ok(())
}

#[test]
fn one_that_asks_for_more_goes_on_with_what_it_has() -> Result<()> {
    let mut stage = with_notes(&writer())?;
    fs::create_dir(stage.daemon.home().join("music"))?;
    stage.watch.grant("writer", &[])?;
    let own = stage.daemon.plugins().join("writer");
    let rescan = |stage: &mut Stage| stage.watch.call::<RescanPlugins>(&padgate_ipc::method::Empty {});
    let wider = "filesystem = { write = [\"~/notes\"], read = [\"~/music\"] }";
    writer().requests(wider).write_manifest(&own)?;
    rescan(&mut stage)?;
    let summary = stage.watch.plugin("writer")?;
    assert!(summary.asks_more && summary.state == PluginState::Enabled, "{summary:?}");
    assert_done(&stage.watch.tap("C1")?);
    let proposal = stage.watch.propose("writer", &[])?;
    assert!(proposal.has == ["filesystem=write:~/notes"] && proposal.grants.len() == 1, "{proposal:?}");

    // What it can do without is no reason to wait; what it can't do without is.
    let more = "filesystem = { write = [\"~/notes\"] }\nsubprocess = [\"/bin/true\"]";
    writer().requests(more).optional("\"subprocess\"").write_manifest(&own)?;
    rescan(&mut stage)?;
    assert_done(&stage.watch.tap("C1")?);
    writer().requests(more).write_manifest(&own)?;
    rescan(&mut stage)?;
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, &["may not run programs"]);
    Ok(())
}

#[test]
fn a_grant_that_would_undo_others_is_refused() -> Result<()> {
    let folder = Folder::new("")?;
    for name in [".ssh", "notes"] {
        fs::create_dir(folder.home().join(name))?;
    }
    let below = |name: &str| folder.path().join(name).display().to_string();
    let places =
        [below("data/padgate/store"), below("config/padgate"), below("state"), "~".into(), "~/.ssh".into()];
    for (index, place) in places.iter().enumerate() {
        let request = format!("filesystem = {{ write = [\"~/notes\", {place:?}] }}");
        Plugin::steady(&format!("greedy-{index}")).requests(&request).install(&folder)?;
    }
    folder.write_config(with_pads(&map("C1", "greedy-0", "well")))?;
    let mut stage = Stage::start(folder)?;
    for (index, place) in places.iter().enumerate() {
        let name = format!("greedy-{index}");
        let proposal = stage.watch.propose(&name, &[])?;
        let refused = proposal.refused.first().map(|part| part.reason.clone()).unwrap_or_default();
        assert!(refused.contains("could undo every other grant"), "{place}: {proposal:?}");
        let params =
            GrantParams { plugin: name.clone(), confirm: Some(proposal.confirm), ..GrantParams::default() };
        let error = stage.watch.client.call::<GrantPlugin>(&params).expect_err("it is refused");
        let error = refusal(error)?;
        assert_eq!(error.kind(), ErrorCode::Refused, "{place}: {error}");
        let command = stage.daemon.padgate(&["plugin", "grant", &name, "--yes"])?;
        assert!(command.code() == 4 && command.stderr.contains("could undo"), "{command:?}");
        assert_eq!(stage.watch.plugin(&name)?.state, PluginState::Waiting);
    }
    // The rest of it can be had.
    stage.watch.grant("greedy-0", &["filesystem=write:~/notes"])?;
    assert_done(&stage.watch.tap("C1")?);
    Ok(())
}

#[test]
fn a_file_of_grants_with_a_mistake_grants_nothing_and_is_left_alone() -> Result<()> {
    let mut stage = with_notes(&writer())?;
    stage.watch.grant("writer", &[])?;
    let path = stage.daemon.path().join("data/padgate/grants.toml");
    let good = fs::read_to_string(&path)?;
    let broken = good.replace("[[grant]]", "[[grant]");
    fs::write(&path, &broken)?;
    let list = stage.watch.call::<RescanPlugins>(&padgate_ipc::method::Empty {})?;
    let line = good.lines().position(|line| line == "[[grant]]").expect("there is a grant") + 1;
    let place = format!("grants.toml:{line}:");
    assert!(list.problems.iter().any(|problem| problem.message.contains(&place)), "{:?}", list.problems);
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, &["can't be used", &place]);
    for arguments in [["plugin", "grant", "writer", "--yes"].as_slice(), &["plugin", "disable", "writer"]] {
        let command = stage.daemon.padgate(arguments)?;
        assert!(command.code() == 4 && command.stderr.contains(&place), "{arguments:?}: {command:?}");
    }
    assert_eq!(fs::read_to_string(&path)?, broken, "it is the user's to correct");
    fs::write(&path, &good)?;
    stage.watch.call::<RescanPlugins>(&padgate_ipc::method::Empty {})?;
    assert_done(&stage.watch.tap("C1")?);
    Ok(())
}

#[test]
fn the_command_shows_what_it_means_and_grants_it() -> Result<()> {
    let mut stage = with_notes(&writer())?;
    let shown = stage.daemon.padgate(&["plugin", "grant", "writer", "--dry-run"])?.success()?;
    for part in ["writer", "1.0.0", "A test", "filesystem", "~/notes", "high"] {
        assert!(shown.contains(part), "{part:?} is missing:\n{shown}");
    }
    // Without an answer, nothing is granted: standard input is empty here.
    let unanswered = stage.daemon.padgate(&["plugin", "grant", "writer"])?;
    assert!(!unanswered.status.success(), "{unanswered:?}");
    assert_eq!(stage.watch.plugin("writer")?.state, PluginState::Waiting);
    stage.daemon.padgate(&["plugin", "grant", "writer", "--yes"])?.success()?;
    assert_done(&stage.watch.tap("C1")?);
    let audit = stage.daemon.padgate(&["audit", "writer"])?.success()?;
    assert!(audit.contains("grant") && audit.contains("~/notes"), "{audit}");
    stage.daemon.padgate(&["plugin", "revoke", "writer"])?.success()?;
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, MAY_NOT);
    let missing = stage.daemon.padgate(&["plugin", "grant", "writr", "--yes"])?;
    assert!(missing.code() == 1 && missing.stderr.contains("did you mean \"writer\""), "{missing:?}");
    Ok(())
}

#[test]
fn a_grant_survives_the_daemon() -> Result<()> {
    let mut stage = with_notes(&writer())?;
    stage.watch.grant("writer", &[])?;
    assert_done(&stage.watch.tap("C1")?);
    stage.daemon.kill_and_restart()?;
    stage.watch = stage.daemon.watch()?;
    assert_done(&stage.watch.tap("C1")?);
    Ok(())
}
