//! Sentences on how a sidecar begins, shows itself and ends.

use entente_schemas::event::Event;
use entente_schemas::family::FeedState;

use super::stage::{BRIEF_DRAIN, Stage, about, claims, summary};
use super::subject::Subject;

/// Starts of which one must say nothing: time alone may have made a further revision due at another.
const STARTS: usize = 4;

pub(super) fn refuses_to_start<S: Subject>(stage: &Stage<S>) {
    let tables = stage.subject.settings();
    let refused = stage.read("org = \"bank\"\nogr = 1\nevery = \"soon\"\n", &tables);
    let told = refused.err().map(|mistakes| mistakes.to_string()).unwrap_or_default();
    for slug in stage.subject.asking() {
        let group = format!("feeds.{slug}.audience: set the sharing group of feed {slug}");
        assert!(told.contains(&group) && told.contains("entente audience create"), "{group} in {told}");
    }
    assert!(told.contains("ogr: unknown field") && told.contains("every: `soon`"), "{told}");
    let head = "org = \"bank\"\naudience = \"all\"\n";
    let told = stage.read(head, &tables).err().map(|mistakes| mistakes.to_string()).unwrap_or_default();
    assert!(told.contains("audience: `all`"), "{told}");
}

pub(super) async fn shows_itself<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    let slugs = stage.slugs();
    let asking = stage.subject.asking();
    assert!(!asking.is_empty() && asking.iter().all(|slug| slugs.contains(slug)), "{asking:?} of {slugs:?}");
    assert_eq!(stage.get("/healthz").await.0, 200);
    let live = |figures: &str, slug: &String| figures.contains(&format!("entente_feed_live{{feed=\"{slug}\"}} 1"));
    stage
        .figures_with("the figures tell that every feed is live", |figures| {
            slugs.iter().all(|slug| live(figures, slug))
        })
        .await;
    let live = |beats: &std::collections::BTreeMap<_, entente_schemas::beat::Beat>| {
        slugs.iter().all(|slug| beats.get(slug).is_some_and(|beat| beat.state == FeedState::Live))
    };
    stage.beats_with("every feed beats", live).await;
}

pub(super) async fn says_what_it_took<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    stage.reported("stop-1", "stop", 1).await;
    assert_eq!(stage.stop().await, 0, "events wait although the bus is there");
    assert_eq!(about(&stage.log().await, "stop").len(), 1);
    stage.start_anew(Some(BRIEF_DRAIN)).await;
    stage.emptied().await;
    stage.way.cut();
    stage.reported("stop-2", "stop", 2).await;
    let waiting = stage.stop().await;
    stage.way.mend();
    assert!(waiting >= 1, "an event that the log does not have is not told");
    stage.start_anew(None).await;
    stage.log_with("what waited is sent at the next start", |log| about(log, "stop").len() == 2).await;
}

pub(super) async fn starts_again<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    stage.troubled().await;
    stage.answered(5).await;
    let mut said = Vec::new();
    for _ in 0..STARTS {
        stage.stop().await;
        let before = stage.log().await.len();
        stage.start().await;
        stage.ready_with("it is ready again", |ready| ready["ready"] == true).await;
        stage.answered(5).await;
        stage.emptied().await;
        let log = stage.log().await;
        let new = claims(&log[before..]);
        assert!(new.iter().all(|event| is_change(&log, event)), "the same again: {:#?}", summary(&log[before..]));
        said = summary(&log[before..]);
        if new.is_empty() {
            break;
        }
    }
    assert!(said.iter().all(|line| line.contains(" feed ")), "each start says something: {said:#?}");
    stage.calm().await;
}

/// Whether an event says anything else than the revision of its object before it.
pub(super) fn is_change(log: &[Event], event: &Event) -> bool {
    let header = &event.claim.header;
    let before = log.iter().find(|other| {
        let earlier = &other.claim.header;
        let same = other.source.feed == event.source.feed && other.claim.family() == event.claim.family();
        same && earlier.object_id == header.object_id && earlier.rev + 1 == header.rev
    });
    let digest = |event: &Event| event.claim.header.native.as_ref().map(|native| native.digest.clone());
    before.is_none_or(|before| digest(before) != digest(event))
}
