//! Signatures, made with minisign's own library as an author makes them, and the policies about them.

use std::fs;

use anyhow::Result;
use minisign::KeyPair;
use padgate_ipc::error::ErrorCode;
use padgate_ipc::event::OutcomeKind;
use padgate_ipc::method::{Empty, GrantPlugin, Reload, RescanPlugins, VerifyPlugins};
use padgate_ipc::plugin::{AnyPluginParams, GrantParams, PluginState, SignatureState, Tie};
use padgate_tests::folder::Folder;
use padgate_tests::plugin::Plugin;
use sha2::{Digest as _, Sha256};

use super::{Stage, assert_done, assert_outcome, map, map_at, refusal};
use crate::with_pads;

fn pair() -> Result<KeyPair> {
    Ok(KeyPair::generate_unencrypted_keypair()?)
}

/// Signs the binary of an installed plugin, as being of this name and version.
fn sign(folder: &Folder, pair: &KeyPair, plugin: &str, (name, version): (&str, &str)) -> Result<()> {
    let binary = folder.plugins().join(plugin).join("plugin.so");
    let bytes = fs::read(&binary)?;
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let comment = format!("plugin:{name} version:{version} sha256:{hash}");
    let signature = minisign::sign(Some(&pair.pk), &pair.sk, &bytes[..], Some(&comment), None)?;
    Ok(fs::write(binary.with_extension("so.minisig"), signature.into_string())?)
}

/// A configuration with this policy, that trusts this key.
fn policy(policy: &str, pair: &KeyPair, mappings: &str) -> String {
    let key = pair.pk.to_base64();
    with_pads(&format!("[plugins]\nsignatures = \"{policy}\"\ntrusted_keys = [\"{key}\"]\n{mappings}"))
}

/// A daemon with plugins that are signed by somebody trusted (`good`), by a stranger, by nobody (`plain`), for another
/// version (`old`), and one that was changed after it was signed (`forged`).
fn signed(pair: &KeyPair, config: &str) -> Result<Stage> {
    let folder = Folder::new(config)?;
    for name in ["good", "stranger", "plain", "old", "forged"] {
        Plugin::steady(name).install(&folder)?;
    }
    sign(&folder, pair, "good", ("good", "1.0.0"))?;
    sign(&folder, &self::pair()?, "stranger", ("stranger", "1.0.0"))?;
    sign(&folder, pair, "old", ("old", "0.9.0"))?;
    sign(&folder, pair, "forged", ("forged", "1.0.0"))?;
    Plugin::steady("forged").with("OTHERWISE").compile(&folder.plugins().join("forged/plugin.so"))?;
    Stage::start(folder)
}

#[test]
fn only_what_somebody_trusted_signed_is_used_if_that_is_required() -> Result<()> {
    let pair = pair()?;
    let mappings: String =
        [("C1", "good"), ("D1", "stranger"), ("E1", "plain"), ("F1", "old"), ("G1", "forged")]
            .map(|(note, plugin)| map(note, plugin, "well"))
            .concat();
    let mut stage = signed(&pair, &policy("required", &pair, &mappings))?;
    let watch = &mut stage.watch;
    assert_done(&watch.tap("C1")?);
    assert_eq!(watch.plugin("good")?.signature, SignatureState::Trusted);
    assert!(watch.plugin_info("good")?.signature.key.is_some_and(|key| key == pair.pk.to_base64()));
    for (note, name, state, why) in [
        ("D1", "stranger", SignatureState::Untrusted, "which is not among trusted_keys"),
        ("E1", "plain", SignatureState::None, "it is not signed"),
        ("F1", "old", SignatureState::Bad, "for version \"0.9.0\""),
        ("G1", "forged", SignatureState::Bad, "it is not a signature of this file"),
    ] {
        let summary = watch.plugin(name)?;
        assert_eq!((summary.state, summary.signature, summary.pid), (PluginState::Unusable, state, None));
        assert_outcome(&watch.tap(note)?, OutcomeKind::Refused, &[name, "can't be used", why]);
    }
    let report = watch.call::<VerifyPlugins>(&AnyPluginParams::default())?;
    let bad: Vec<&str> =
        report.plugins.iter().filter(|plugin| !plugin.ok).map(|plugin| &*plugin.plugin).collect();
    assert!(!report.ok && ["forged", "old"].iter().all(|name| bad.contains(name)), "{report:?}");
    watch.audited("forged", "integrity", "signature of \"forged\" is wrong")?;
    let verify = stage.daemon.padgate(&["plugin", "verify", "good"])?;
    assert!(verify.status.success(), "{verify:?}");
    let verify = stage.daemon.padgate(&["plugin", "verify"])?;
    assert!(verify.code() == 1 && verify.stdout.contains("forged"), "{verify:?}");

    // The policy is the user's: without it, what is not signed is used, and what is signed wrongly is not.
    stage.daemon.write_config(policy("off", &pair, &mappings))?;
    let watch = &mut stage.watch;
    watch.call::<Reload>(&Empty {})?;
    for note in ["C1", "D1", "E1"] {
        assert_done(&watch.tap(note)?);
    }
    for note in ["F1", "G1"] {
        assert_outcome(&watch.tap(note)?, OutcomeKind::Refused, &["its signature is wrong"]);
    }
    Ok(())
}

#[test]
fn what_asks_for_much_must_be_signed_if_the_user_says_so() -> Result<()> {
    let pair = pair()?;
    let mappings = map("C1", "modest", "well") + &map("D1", "bold", "well") + &map("E1", "signed", "well");
    let folder = Folder::new(&policy("high-risk", &pair, &mappings))?;
    fs::create_dir(folder.home().join("notes"))?;
    let request = "filesystem = { write = [\"~/notes\"] }";
    Plugin::steady("modest").requests("midi = true").install(&folder)?;
    Plugin::steady("bold").requests(request).install(&folder)?;
    Plugin::steady("signed").requests(request).install(&folder)?;
    sign(&folder, &pair, "signed", ("signed", "1.0.0"))?;
    let mut stage = Stage::start(folder)?;
    assert_done(&stage.watch.tap("C1")?);
    assert_outcome(&stage.watch.tap("D1")?, OutcomeKind::Refused, &["it is not signed", "high risk"]);
    // A signature is no grant.
    assert_outcome(&stage.watch.tap("E1")?, OutcomeKind::Refused, &["padgate plugin grant signed"]);
    stage.watch.grant("signed", &[])?;
    assert_done(&stage.watch.tap("E1")?);
    Ok(())
}

#[test]
fn a_grant_for_a_key_holds_for_the_next_version_and_for_no_other_signer() -> Result<()> {
    let pair = pair()?;
    let folder = Folder::new("")?;
    fs::create_dir(folder.home().join("notes"))?;
    let file = folder.home().join("notes/a").display().to_string();
    folder.write_config(policy("off", &pair, &map_at("C1", "writer", "write", &file)))?;
    let writer = |version: &str| {
        Plugin::steady("writer").version(version).requests("filesystem = { write = [\"~/notes\"] }")
    };
    writer("1.0.0").install(&folder)?;
    let mut stage = Stage::start(folder)?;
    let by_key =
        GrantParams { plugin: "writer".to_owned(), tie: Tie::Key, dry_run: true, ..GrantParams::default() };
    let grant = |stage: &mut Stage| {
        let confirm = Some(stage.watch.call::<GrantPlugin>(&by_key)?.confirm);
        let params = GrantParams { dry_run: false, confirm, ..by_key.clone() };
        Ok::<_, anyhow::Error>(stage.watch.client.call::<GrantPlugin>(&params))
    };
    // Nothing can be tied to a key that nobody trusts.
    let error = refusal(grant(&mut stage)?.expect_err("it is not signed"))?;
    assert!(error.kind() == ErrorCode::Refused && error.message.contains("not signed"), "{error}");
    sign(&stage.daemon, &pair, "writer", ("writer", "1.0.0"))?;
    grant(&mut stage)??;
    assert_done(&stage.watch.tap("C1")?);

    writer("1.1.0").install(&stage.daemon)?;
    sign(&stage.daemon, &pair, "writer", ("writer", "1.1.0"))?;
    stage.watch.call::<RescanPlugins>(&Empty {})?;
    assert_eq!(stage.watch.plugin("writer")?.version, "1.1.0");
    assert_done(&stage.watch.tap("C1")?);

    writer("1.2.0").install(&stage.daemon)?;
    sign(&stage.daemon, &self::pair()?, "writer", ("writer", "1.2.0"))?;
    stage.watch.call::<RescanPlugins>(&Empty {})?;
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, &["padgate plugin grant writer"]);
    Ok(())
}
