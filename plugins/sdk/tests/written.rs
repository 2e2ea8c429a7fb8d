//! The test kit reads a plugin's manifest and documentation, and says what does not fit.

use padgate_plugin::test::{Asked, Kit, Touch};
use padgate_plugin::{ActionPlugin, Context, Error, Host};

/// Logs what it is told.
#[derive(Default)]
struct Echo;

#[derive(serde::Deserialize)]
struct Params {
    word: String,
    times: usize,
}

impl ActionPlugin for Echo {
    type Params = Params;

    fn check(&mut self, params: &Params, _: &Host) -> Result<(), Error> {
        if params.times > 3 { Err("that is too often".into()) } else { Ok(()) }
    }

    fn execute(&mut self, params: &Params, _: &Context, host: &Host) -> Result<(), Error> {
        host.info(&params.word.repeat(params.times));
        Ok(())
    }
}

padgate_plugin::export!(Echo, name = "echo");

fn manifest() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        r#"
        plugin = {{ name = "echo", version = "{version}" }}
        [[action]]
        name = "say"
        [action.parameters]
        word = {{ type = "text", required = true, choices = ["a", "b"] }}
        times = {{ type = "integer", default = 2 }}
        "#
    )
}

fn page(block: &str) -> String {
    format!("# Echo\n\n```sh\nls\n```\n\n```toml\n{block}\n```\n\n```toml,must-fail\nwrong\n```\n")
}

#[test]
fn what_the_documentation_shows_is_prepared_with_the_defaults_of_the_manifest() {
    let mut kit = Kit::<Echo>::new();
    let page =
        page("do = [{ if = 1, then = { plugin = 'echo', params = { word = 'a' } } }, { plugin = 'other' }]");
    let prepared = kit.prepare_page(&manifest(), &page).unwrap();
    assert_eq!(prepared.len(), 1);
    kit.tap(prepared[0], Touch::note(1, 1)).unwrap();
    assert!(matches!(&kit.asked()[..], [Asked::Log { text, .. }] if text == "aa"));
}

#[test]
fn what_does_not_fit_is_said() {
    let said = |block: &str| {
        let wrong = Kit::<Echo>::new().prepare_page(&manifest(), &page(block)).unwrap_err();
        wrong.text().rsplit("\n: ").next().unwrap_or_default().to_owned()
    };
    assert_eq!(
        said("x = { plugin = 'echo', params = { wrd = 'a' } }"),
        "there is no parameter \"wrd\" in the manifest"
    );
    assert_eq!(said("x = { plugin = 'echo' }"), "\"word\" is missing");
    assert_eq!(
        said("x = { plugin = 'echo', params = { word = 'c' } }"),
        "\"word\" is \"c\", which is not what the manifest says"
    );
    assert_eq!(
        said("x = { plugin = 'echo', action = 'sing' }"),
        "there is no action \"sing\" in the manifest"
    );
    assert_eq!(said("x = { plugin = 'echo', params = { word = 'a', times = 4 } }"), "say: that is too often");
    assert_eq!(said("x = 1"), "the page does not show how the plugin is used");
    let other = manifest().replace("\"echo\"", "\"ecco\"");
    let wrong = Kit::<Echo>::new().prepare_written(&other, "").unwrap_err();
    assert_eq!(wrong.text(), "plugin.name is Some(\"ecco\") in the manifest, and \"echo\" in the code");
}
