//! The console in a real browser: every page on a desk and on a phone, in both themes, with and without script, and what
//! an open page does while claims arrive, while a reader types, and while the server is gone.

use std::path::{Path, PathBuf};

use entente_tests::browser::{Browser, Screen, Theme};
use entente_tests::data;
use entente_tests::night::Night;
use entente_tests::up::Up;
use serde_json::{Value, json};

/// What is measured on a page; gives a list of what is not as it should be.
const MEASURE: &str = include_str!("measure.js");
/// Watches an open page: which elements are replaced, and where the others stand.
const WATCH: &str = include_str!("watch.js");

fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screens");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

async fn measured(browser: &Browser, name: &str, screen: Screen) -> Vec<String> {
    let target = if screen.is_phone() { 36 } else { 24 };
    let found = browser.ask_with(MEASURE, &[json!(screen.width), json!(target)]).await;
    let found = found.as_array().cloned().unwrap_or_default();
    found.iter().map(|problem| format!("{name} {screen:?}: {}", problem.as_str().unwrap_or_default())).collect()
}

/// What the browser complained of, but for the status of the error page itself.
async fn complaints(browser: &Browser, name: &str) -> Vec<String> {
    let list = browser.complaints().await;
    list.into_iter().filter(|line| !line.contains("status of 404")).map(|line| format!("{name}: {line}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_every_screen_and_is_complete_without_script() {
    let Some(browser) = Browser::start().await else { return };
    let mut night = Night::begin().await;
    night.until_the_revert().await;
    night.until_the_driver_is_named().await;
    night.until_noon().await;
    let address = night.up.address().to_owned();
    let incident = night.up.json(&format!("/v1/incidents/{}", night.windows)).await["id"].as_str().unwrap().to_owned();
    let pages = [
        ("board", "/".to_owned()),
        ("incident", format!("/incidents/{incident}")),
        ("feeds", "/feeds".to_owned()),
        ("error", "/incidents/inc-there-is-none".to_owned()),
        ("form", "/?say=impact".to_owned()),
        ("replay", "/?as_of=8".to_owned()),
    ];
    keep_for_the_readme(&browser, &address).await;
    let mut problems = Vec::new();
    for (name, path) in &pages {
        for screen in Screen::ALL {
            browser.take(screen).await;
            browser.open(&format!("{address}{path}")).await;
            problems.extend(measured(&browser, name, screen).await);
            problems.extend(complaints(&browser, name).await);
            browser.keep_pictures(&pictures(), name, screen).await;
        }
        problems.extend(unnamed(&browser, name).await);
        problems.extend(incomplete_without_script(&browser, &format!("{address}{path}"), name).await);
    }
    nothing_flickers(&browser, &format!("{address}/incidents/{incident}")).await;
    what_is_wrong_is_found(&browser, &address).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    browser.end().await;
}

async fn unnamed(browser: &Browser, page: &str) -> Vec<String> {
    let controls = browser.controls().await;
    assert!(!controls.is_empty(), "{page} has controls");
    controls
        .into_iter()
        .filter(|(name, _)| name.trim().is_empty())
        .map(|(_, html)| format!("{page}: no name: {html}"))
        .collect()
}

/// The words of a page, but for running ages and clocks.
const WORDS: &str = "const copy = document.querySelector('main').cloneNode(true);\
    copy.querySelectorAll('[data-age], .flash, .fresh').forEach(e => e.remove());\
    return copy.textContent.replace(/\\s+/g, ' ').replace(/\\d+ (s|min|h)\\b/g, 'an age').trim()";

/// Panels that cannot be seen.
const HIDDEN: &str =
    "return [...document.querySelectorAll('main .panel')].filter(e => !e.checkVisibility()).map(e => e.id)";

async fn incomplete_without_script(browser: &Browser, address: &str, page: &str) -> Vec<String> {
    browser.take(Screen::ALL[0]).await;
    let mut other = String::new();
    // A claim may be called overdue between the two, which is told in other words, and once only.
    for _ in 0..3 {
        browser.open(address).await;
        let with = browser.ask(WORDS).await;
        browser.scripts(false).await;
        browser.open(address).await;
        let without = browser.ask(WORDS).await;
        let hidden = browser.ask(HIDDEN).await;
        browser.scripts(true).await;
        if hidden != json!([]) {
            return vec![format!("{page}: hidden without script: {hidden}")];
        }
        if with == without {
            return Vec::new();
        }
        other = difference(&with, &without);
    }
    vec![format!("{page}: other words without script: {other}")]
}

/// Where two texts part.
fn difference(with: &Value, without: &Value) -> String {
    let (with, without) = (with.as_str().unwrap_or_default(), without.as_str().unwrap_or_default());
    let alike = with.chars().zip(without.chars()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| text.chars().skip(alike.saturating_sub(40)).take(120).collect::<String>();
    format!("{:?} and {:?}", around(with), around(without))
}

/// Time alone replaces nothing but what says how old things are: two beats after the page was opened it is the same.
async fn nothing_flickers(browser: &Browser, address: &str) {
    browser.take(Screen::ALL[0]).await;
    browser.open(address).await;
    browser.until("the first beat was heard", "return performance.now() > 1500").await;
    browser.ask(WATCH).await;
    browser.until("two more were", "return performance.now() > 12500").await;
    let script = "return [...window.watch.replaced].filter(id => !('quiet' in document.getElementById(id).dataset))";
    assert_eq!(browser.ask(script).await, json!([]), "replaced although nothing was said");
}

/// The measures themselves: a page that is spoiled on purpose is told to be.
async fn what_is_wrong_is_found(browser: &Browser, address: &str) {
    let screen = Screen::ALL[2];
    browser.take(screen).await;
    browser.open(&format!("{address}/feeds")).await;
    let before = measured(browser, "spoiled", screen).await.len();
    let spoil = "const h1 = document.querySelector('h1'), again = h1.cloneNode(true); h1.after(again);\
        again.style.color = '#999'; again.style.width = '700px';\
        const button = h1.appendChild(document.createElement('button')); button.textContent = 'x';\
        button.style.width = button.style.height = button.style.minWidth = button.style.minHeight = '9px';\
        button.style.padding = 0; h1.setAttribute('style', 'color: red')";
    browser.ask(spoil).await;
    let found = measured(browser, "spoiled", screen).await;
    for what in ["2 h1", "contrast", "scrolls sideways", "target of 9 x 9"] {
        assert!(
            found.iter().any(|problem| problem.contains(what)),
            "{what} is among {found:?}, of which {before} were there"
        );
    }
    let complaints = complaints(browser, "spoiled").await;
    assert!(complaints.iter().any(|line| line.contains("Content Security Policy")), "{complaints:?}");
}

/// The board as the README shows it, when it is to be made anew.
async fn keep_for_the_readme(browser: &Browser, address: &str) {
    browser.take(Screen::ALL[0]).await;
    browser.open(&format!("{address}/")).await;
    let picture = browser.picture().await;
    assert!(picture.len() < 300_000, "the README's picture has {} bytes", picture.len());
    if std::env::var_os("ENTENTE_UPDATE").is_some() {
        std::fs::write(data::root().join("bus/docs/board.png"), picture).unwrap();
    }
}

fn report(object: Option<&str>, title: &str, severity: &str, region: &str) -> Value {
    let mut claim = json!({"kind": "incident", "phase": "investigating", "severity": severity, "title": title,
        "blocks": [{"provider": "aws", "service_class": "compute", "regions": [region], "state": "affected_degraded"}]});
    if let Some(object) = object {
        claim["object_id"] = json!(object);
    }
    json!({"family": "impact", "claim": claim})
}

struct Live {
    browser: Browser,
    up: Up,
    object: String,
    incident: String,
}

impl Live {
    /// A server with two incidents and no feeds, and a browser; nothing where there is none.
    async fn start() -> Option<Self> {
        let browser = Browser::start().await?;
        let up = Up::start(&["--org", "aws", "--role", "provider", "--no-public-feeds"]).await;
        let first = up.publish(&report(None, "Instances lose their network", "minor", "us-east-1")).await;
        up.publish(&report(None, "Volumes are slow", "major", "eu-west-1")).await;
        let object = first["object_id"].as_str().unwrap().to_owned();
        let incident = up.json(&format!("/v1/incidents/{object}")).await["id"].as_str().unwrap().to_owned();
        Some(Self { browser, up, object, incident })
    }

    /// Opens a page and waits until it is live and nothing on it fades any more.
    async fn open(&self, path: &str, screen: Screen) {
        self.browser.take(screen).await;
        self.browser.open(&format!("{}{path}", self.up.address())).await;
        self.browser
            .until("the page is live", "return document.querySelector('#mode').textContent.trim() === 'Live'")
            .await;
        self.browser.until("the first beat was heard", "return performance.now() > 1500").await;
        self.browser.ask(WATCH).await;
    }

    async fn revise(&self, title: &str, severity: &str) {
        self.up.publish(&report(Some(&self.object), title, severity, "us-east-1")).await;
    }

    async fn shows(&self, text: &str) {
        let script = format!("return document.querySelector('main').textContent.includes({})", json!(text));
        self.browser.until(text, &script).await;
    }

    /// Nothing but what was replaced changed its place, and the page was not loaded anew.
    async fn nothing_moved(&self, what: &str) {
        let found = self.browser.ask("return window.watch.moved()").await;
        assert_eq!(found, json!([]), "{what}");
        let complaints = self.browser.complaints().await;
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_appears_without_reload_and_moves_nothing_else() {
    let Some(live) = Live::start().await else { return };
    let incident = format!("/incidents/{}", live.incident);
    for (round, screen) in [Screen::ALL[0], Screen::ALL[3]].into_iter().enumerate() {
        let severity = ["critical", "minor"][round];
        live.open("/", screen).await;
        live.browser.ask("window.scrollTo(0, 40)").await;
        live.browser.ask(WATCH).await;
        live.revise(&format!("Instances lose their network, round {round}"), severity).await;
        live.browser
            .until(
                "the row tells it",
                &format!("return document.querySelector('#i-{} ').textContent.includes('{severity}')", live.incident),
            )
            .await;
        live.nothing_moved("a revision on the board").await;
        live.open(&incident, screen).await;
        // On a phone everything below moves when words take another line; what is as long as before takes none.
        let title =
            if screen.is_phone() { "Instances have their network, round" } else { "Network back in part, round" };
        live.revise(&format!("{title} {round}"), "major").await;
        live.shows(&format!("{title} {round}")).await;
        live.nothing_moved("a revision on the incident's page").await;
        assert!(
            live.browser.ask("return document.querySelectorAll('.flash').length > 0").await == json!(true),
            "it is marked"
        );
    }
    a_new_incident_waits(&live).await;
    what_is_typed_stays(&live).await;
    live.browser.end().await;
}

async fn a_new_incident_waits(live: &Live) {
    live.open("/", Screen::ALL[0]).await;
    live.up.publish(&report(None, "Names are not resolved", "critical", "ap-south-1")).await;
    live.browser
        .until("the change waits", "return /1 change, show/.test(document.querySelector('#list .fresh')?.textContent)")
        .await;
    live.nothing_moved("a new incident").await;
    assert_eq!(live.browser.ask("return document.querySelectorAll('#incidents > tr').length").await, json!(2));
    live.browser.ask("document.querySelector('#list .fresh').click()").await;
    live.browser.until("it is shown", "return document.querySelectorAll('#incidents > tr').length === 3").await;
    live.browser.until("nothing waits", "return !document.querySelector('#list .fresh')").await;
}

async fn what_is_typed_stays(live: &Live) {
    live.open(&format!("/incidents/{}", live.incident), Screen::ALL[0]).await;
    let typed = "document.querySelector('#say-note').open = true;\
        const area = document.querySelector('#say-note textarea'); area.focus(); area.value = 'half a thought'";
    live.browser.ask(typed).await;
    live.browser.ask(WATCH).await;
    live.revise("Half of the instances are back", "minor").await;
    live.shows("Half of the instances are back").await;
    live.nothing_moved("a claim while somebody types").await;
    let kept = "const area = document.querySelector('#say-note textarea');\
        return [area.value, document.activeElement === area, document.querySelector('#say-note').open]";
    assert_eq!(live.browser.ask(kept).await, json!(["half a thought", true, true]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_server_is_killed_says_so_and_resumes() {
    let Some(mut live) = Live::start().await else { return };
    live.open("/", Screen { theme: Theme::Light, ..Screen::ALL[0] }).await;
    let port = live.up.address().rsplit(':').next().unwrap().to_owned();
    live.up.kill();
    live.browser
        .until(
            "the pill says so",
            "return /^Not live since \\d\\d:\\d\\d:\\d\\d$/.test(document.querySelector('#mode').textContent.trim())",
        )
        .await;
    assert_eq!(
        live.browser.ask("return document.querySelectorAll('#incidents > tr').length").await,
        json!(2),
        "the last good picture stays"
    );
    live.browser.keep_pictures(&pictures(), "lost", Screen::ALL[0]).await;
    live.up.rearm(&["--org", "aws", "--role", "provider", "--no-public-feeds", "--port", &port]);
    live.up.launch().await;
    live.browser
        .until("it is live again", "return document.querySelector('#mode').textContent.trim() === 'Live'")
        .await;
    live.revise("Said after the restart", "critical").await;
    let told = format!("return document.querySelector('#i-{}').textContent.includes('critical')", live.incident);
    live.browser.until("what was said since is shown", &told).await;
    assert_eq!(live.browser.ask("return window.__mark").await, json!("same page"));
    live.browser.end().await;
}

/// What a sharing group knows beside what everybody does: an impact of which the group is told more, another that only the
/// group knows of, a repair in two regions, a request and a decision.
struct Grouped {
    up: Up,
    group: String,
    /// The incident that everybody knows of.
    open: String,
    /// The one that the group alone knows of.
    closed: String,
}

impl Grouped {
    async fn start() -> Self {
        let up = Up::start(&["--no-public-feeds", "--org", "acme", "--role", "customer"]).await;
        let made = up.run(&["audience", "create", "night-desks", "--json"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let group = made["id"].as_str().unwrap().to_owned();
        let say = async |family: &str, tlp: Option<&str>, claim: Value| {
            let audience = if tlp.is_some() { group.as_str() } else { "all" };
            let claim = json!({"family": family, "audience": audience, "tlp": tlp.unwrap_or("green"), "claim": claim});
            up.publish(&claim).await["object_id"].as_str().unwrap().to_owned()
        };
        let windows = json!({"provider": "aws", "service_class": "compute", "regions": ["us-east-1", "eu-west-1"],
            "state": "affected_unavailable", "asset": {"os_family": "windows"}});
        let impact = |title: &str, severity: &str, block: &Value| {
            json!({"kind": "incident", "phase": "mitigating", "severity": severity, "title": title, "blocks": [block],
                "refs": [{"kind": "tracking_id", "value": "KB5042421", "relation": "same"}]})
        };
        let known = say("impact", None, impact("Windows instances do not start", "critical", &windows)).await;
        let mut more = impact("Windows desks in branches do not start", "major", &windows);
        more["counts"] = json!([{"unit": "vm", "quantity": "affected", "value": 1_000, "method": "exact_enumeration",
            "population": "fleet:aws/desks", "as_of": "2024-07-19T05:30:00Z"}]);
        let about = json!([{"kind": "incident", "value": known, "relation": "related"}]);
        say("impact", Some("amber"), more).await;
        let rescue = json!({"name": "Rescue machine, delete the file", "kind": "offline_disk_repair",
            "automation": "orchestrated", "refs": about});
        let rescue = say("approach", Some("amber"), rescue).await;
        let arm = |region: &str, targeted: u64, attempted: u64, succeeded: u64| {
            let mut block = windows.clone();
            block["regions"] = json!([region]);
            json!({"block": block, "device_class": "cloud_vm", "tally": {"targeted": targeted, "attempted": attempted,
                "in_progress": 7, "succeeded": succeeded, "failed": attempted - succeeded - 7}})
        };
        let arms = [arm("us-east-1", 600, 200, 168), arm("eu-west-1", 400, 40, 30)];
        let run = json!({"approach_id": rescue, "state": "running", "arms": arms, "refs": about});
        say("remediation", Some("amber+strict"), run).await;
        let ask = |kind: &str, text: &str| json!({"kind": kind, "text": text, "to": ["aws"], "refs": about});
        let mut request = ask("request", "May the machines be stopped while they are repaired?");
        request["due_at"] = json!("2030-01-01T00:00:00Z");
        say("message", Some("amber"), request).await;
        say("message", Some("red"), ask("decision", "Branches stay shut until the desks answer.")).await;
        let payments = json!({"provider": "azure", "service_class": "database", "regions": ["westeurope"],
            "state": "affected_degraded"});
        let mut own = impact("Payments answer slowly", "minor", &payments);
        own["refs"] = json!([]);
        let secret = say("impact", Some("amber"), own).await;
        let id =
            async |object: &str| up.json(&format!("/v1/incidents/{object}")).await["id"].as_str().unwrap().to_owned();
        let (open, closed) = (id(&known).await, id(&secret).await);
        Self { up, group, open, closed }
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.up.address())
    }
}

/// The readers that a form on the page offers, the one that is chosen, and whether the browser would send it.
const READERS: &str = "const select = document.querySelector('#say-note [name=audience]');\
    return [select.value, select.checkValidity(), [...select.options].map(o => o.textContent.trim())]";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_group_knows_is_marked_on_every_screen_and_a_form_asks_for_whom_it_is() {
    let Some(browser) = Browser::start().await else { return };
    let grouped = Grouped::start().await;
    let pages = [
        ("group-board", "/".to_owned()),
        ("group-incident", format!("/incidents/{}", grouped.open)),
        ("group-own", format!("/incidents/{}", grouped.closed)),
        ("group-feeds", "/feeds".to_owned()),
        ("group-form", "/?say=impact".to_owned()),
    ];
    let mut problems = Vec::new();
    for (name, path) in &pages {
        for screen in Screen::ALL {
            browser.take(screen).await;
            browser.open(&grouped.address(path)).await;
            browser.ask("document.querySelectorAll('details').forEach(e => e.open = true)").await;
            problems.extend(measured(&browser, name, screen).await);
            problems.extend(complaints(&browser, name).await);
            browser.keep_pictures(&pictures(), name, screen).await;
        }
        problems.extend(unnamed(&browser, name).await);
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    marks(&browser, &grouped).await;
    readers(&browser, &grouped).await;
    browser.end().await;
}

/// The ceiling names the highest marking; beside what is of the group stands its mark, beside what is not there is none.
async fn marks(browser: &Browser, grouped: &Grouped) {
    browser.take(Screen::ALL[0]).await;
    browser.open(&grouped.address("/")).await;
    let text = async |place: &str| {
        let script = format!("return document.querySelector('{place}').textContent.replace(/\\s+/g, ' ').trim()");
        browser.ask(&script).await.as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(text("#ceiling").await, "TLP:RED");
    for (row, highest) in [(&grouped.open, "TLP:RED"), (&grouped.closed, "TLP:AMBER")] {
        assert_eq!(text(&format!("#i-{row} th .tlp")).await, highest);
    }
    let phrase = "Repair: 240 of 1000 attempted, 198 work again (Acme)";
    assert!(text(&format!("#i-{} [data-h=Affected]", grouped.open)).await.contains(phrase));
    browser.open(&grouped.address(&format!("/incidents/{}", grouped.open))).await;
    let unmarked = "return document.querySelectorAll('#lanes .tlp').length";
    assert_eq!(browser.ask(unmarked).await, json!(0), "what everybody may read has no mark");
    for (place, mark) in [
        ("#app-rows > tr", "TLP:AMBER night-desks"),
        ("#app-rows > tr.arms", "TLP:AMBER+STRICT night-desks"),
        ("#dec-list > li", "TLP:RED night-desks"),
        ("#asks li", "TLP:AMBER night-desks"),
    ] {
        let shown = text(place).await;
        assert!(shown.contains(mark), "{place}: {shown}");
    }
    let bars = "return [...document.querySelectorAll('tr.arms .wil')].map(e =>\
        [...e.querySelectorAll('rect')].map(r => r.getBBox().width))";
    // 240 of 1000 and 198 of them; 40 of 400 and 30; 200 of 600 and 168.
    assert_eq!(browser.ask(bars).await, json!([[128, 30, 25], [128, 12, 9], [128, 42, 35]]));
}

/// Where something is known to the group only, the author chooses who reads an answer; where all is the group's, it is the
/// group; and what is said is then marked on the page.
async fn readers(browser: &Browser, grouped: &Grouped) {
    let all = json!(["choose", "everybody", "night-desks"]);
    browser.open(&grouped.address(&format!("/incidents/{}", grouped.open))).await;
    assert_eq!(browser.ask(READERS).await, json!(["", false, all]));
    browser.open(&grouped.address(&format!("/incidents/{}", grouped.closed))).await;
    assert_eq!(browser.ask(READERS).await, json!([grouped.group, true, ["everybody", "night-desks"]]));
    let write = "const form = document.querySelector('#say-note form'); form.closest('details').open = true;\
        form.querySelector('textarea').value = 'Told to the night desks alone'; form.querySelector('button').click()";
    browser.ask(write).await;
    let told = "return document.querySelector('#dec-list')?.textContent.replace(/\\s+/g, ' ')\
        .includes('Told to the night desks alone')";
    browser.until("the note stands on the page", told).await;
    let noted = browser.ask("return document.querySelector('#dec-list').textContent.replace(/\\s+/g, ' ')").await;
    assert!(noted.as_str().unwrap().contains("TLP:AMBER night-desks"), "{noted}");
    let picture = grouped.up.json(&format!("/v1/incidents/{}", grouped.closed)).await;
    assert_eq!(picture["decisions"][0]["audience"], json!(grouped.group), "{}", picture["decisions"]);
}
