//! AWS Health by its API.

use chrono::{DateTime, TimeDelta, Utc};
use entente_exercise::aws::{Entity, HealthEvent};
use entente_exercise::{Fault, Fleet as Machines};
use entente_schemas::block::BlockState;
use entente_schemas::count::{Quantity, Unit};
use entente_schemas::family::{Body, ImpactKind, Phase};
use entente_sidecar::Ask as _;
use entente_sidecar::ask::Clock;
use entente_sidecar::poll::Settled;

use super::{Bench, ask, ask_at, count, impact};

const ISSUE: &str = "arn:aws:health:us-east-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/AWS_EC2_OPERATIONAL_ISSUE_VKTXI";

fn entity(number: usize, account: &str, status: &'static str) -> Entity {
    Entity { value: format!("i-0{number:016x}"), account: account.to_owned(), status: Some(status) }
}

fn issue(updated: DateTime<Utc>, status: &'static str, entities: Vec<Entity>) -> HealthEvent {
    HealthEvent {
        arn: ISSUE.to_owned(),
        service: "EC2".to_owned(),
        code: "AWS_EC2_OPERATIONAL_ISSUE".to_owned(),
        category: "issue",
        scope: "ACCOUNT_SPECIFIC",
        region: "us-east-1".to_owned(),
        status,
        start: updated - TimeDelta::minutes(20),
        end: (status == "closed").then_some(updated),
        updated,
        text: "Instance i-00000000000000001 of account 644160558196 is impaired.".to_owned(),
        entities,
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap()
}

#[tokio::test]
async fn an_issue_is_told_with_its_counts_and_its_text_and_without_names() {
    let bench = Bench::new(Machines::new()).await;
    let mut entities: Vec<Entity> = (1..=130).map(|number| entity(number, "644160558196", "IMPAIRED")).collect();
    entities.extend((131..=150).map(|number| entity(number, "644160558196", "RESOLVED")));
    bench.double.health().tell(issue(now(), "open", entities));
    let mut feed = bench.health(false);
    let reading = ask(&mut feed).await.unwrap();
    let told = impact(&reading, "VKTXI");
    assert_eq!((told.phase, told.title.as_str()), (Phase::Investigating, "EC2 operational issue"));
    let figures = [Quantity::Affected, Quantity::Remaining, Quantity::Restored].map(|quantity| count(told, quantity));
    assert_eq!(figures, [150, 130, 20]);
    assert_eq!(told.blocks[0].state, BlockState::AffectedDegraded);
    let notice = reading.items[0].also[0].notice().unwrap();
    assert_eq!(notice.text, "Instance [resource] of account [account] is impaired.");
    assert_eq!(notice.audience_told, "customers");
    assert!(feed.pause().unwrap() < std::time::Duration::from_millis(20), "an open issue is looked at more often");
}

#[tokio::test]
async fn only_what_is_new_is_asked_for_in_full_and_an_end_is_told() {
    let bench = Bench::new(Machines::new()).await;
    let begun = now();
    bench.double.health().tell(issue(begun, "open", vec![entity(1, "644160558196", "IMPAIRED")]));
    let mut feed = bench.health(false);
    ask_at(&mut feed, begun + TimeDelta::minutes(1)).await.unwrap();
    let quiet = ask_at(&mut feed, begun + TimeDelta::minutes(2)).await.unwrap();
    assert_eq!((quiet.items.len(), quiet.increment), (0, true));
    let details =
        |bench: &Bench| bench.double.asked().iter().filter(|call| call.contains("DescribeEventDetails")).count();
    assert_eq!(details(&bench), 1);
    bench.double.health().tell(issue(
        begun + TimeDelta::minutes(3),
        "closed",
        vec![entity(1, "644160558196", "RESOLVED")],
    ));
    let over = ask_at(&mut feed, begun + TimeDelta::minutes(4)).await.unwrap();
    let told = impact(&over, "VKTXI");
    assert_eq!((told.phase, told.blocks[0].state), (Phase::Resolved, BlockState::Restored));
    assert_eq!((count(told, Quantity::Remaining), count(told, Quantity::Restored)), (0, 1));
}

#[tokio::test]
async fn what_could_not_be_told_is_asked_for_again() {
    let bench = Bench::new(Machines::new()).await;
    bench.double.health().tell(issue(now(), "open", Vec::new()));
    let mut feed = bench.health(false);
    feed.ask(Clock::wall()).await.unwrap();
    feed.settle(Settled::NotTaken).await;
    assert_eq!(ask(&mut feed).await.unwrap().items.len(), 1);
    assert_eq!(ask(&mut feed).await.unwrap().items.len(), 0);
}

#[tokio::test]
async fn an_organisation_is_seen_by_its_accounts() {
    let bench = Bench::new(Machines::new()).await;
    let accounts: Vec<String> = (0..23).map(|number| format!("6441605{number:05}")).collect();
    let entities = accounts
        .iter()
        .enumerate()
        .flat_map(|(index, account)| (0..5).map(move |number| entity(index * 5 + number, account, "IMPAIRED")));
    bench.double.health().tell(issue(now(), "open", entities.collect()));
    let reading = ask(&mut bench.health(true)).await.unwrap();
    let told = impact(&reading, "VKTXI");
    let of = |unit: Unit| {
        let counts = told.counts.iter().filter(|count| count.unit == unit && count.quantity == Quantity::Affected);
        counts.filter_map(|count| count.value).sum::<u64>()
    };
    assert_eq!((of(Unit::Account), of(Unit::Vm)), (23, 115));
}

#[tokio::test]
async fn work_to_come_and_notifications_have_families_of_their_own() {
    let bench = Bench::new(Machines::new()).await;
    let planned = HealthEvent {
        arn: "arn:aws:health:us-east-1::event/EC2/AWS_EC2_MAINTENANCE_SCHEDULED/X_1".to_owned(),
        code: "AWS_EC2_MAINTENANCE_SCHEDULED".to_owned(),
        category: "scheduledChange",
        ..issue(now(), "upcoming", Vec::new())
    };
    let note = HealthEvent {
        arn: "arn:aws:health:global::event/event-1485912991457".to_owned(),
        code: "AWS_BILLING_NOTIFICATION".to_owned(),
        service: "BILLING".to_owned(),
        category: "accountNotification",
        region: "global".to_owned(),
        ..issue(now(), "open", Vec::new())
    };
    bench.double.health().tell(planned);
    bench.double.health().tell(note);
    let reading = ask(&mut bench.health(false)).await.unwrap();
    let work = impact(&reading, "X_1");
    assert_eq!((work.kind, work.phase), (ImpactKind::Maintenance, Phase::Scheduled));
    let advice = reading.items.iter().find(|item| item.object_id.contains("1485912991457")).unwrap();
    let Body::Advisory(advice) = &advice.body else { panic!("{advice:?}") };
    assert_eq!(
        (advice.title.as_str(), advice.products.as_slice()),
        ("BILLING notification", ["BILLING".to_owned()].as_slice())
    );
    // Neither is told where the settings do not ask for it.
    let mut quiet = bench.health(false);
    (quiet.manner.scheduled, quiet.manner.notifications) = (false, false);
    assert_eq!(ask(&mut quiet).await.unwrap().items, Vec::new());
}

#[tokio::test]
async fn a_plan_without_the_api_is_told_with_the_way_around_and_left_in_peace() {
    let bench = Bench::new(Machines::new()).await;
    bench.double.health().set_plan(false);
    let mut feed = bench.health(false);
    let failure = ask(&mut feed).await.unwrap_err();
    assert_eq!(failure.error.code, "not-in-plan");
    assert!(failure.error.text.contains("aws-events"), "{}", failure.error.text);
    assert!(failure.retry_after.is_some_and(|after| after >= std::time::Duration::from_secs(3_600)));
    bench.double.health().set_plan(true);
    assert!(ask(&mut feed).await.is_ok(), "a plan that is bought needs no restart");
}

#[tokio::test]
async fn the_other_region_is_asked_where_the_first_one_fails() {
    let bench = Bench::new(Machines::new()).await;
    bench.double.health().tell(issue(now(), "open", Vec::new()));
    bench.double.faults().keep("health:", Fault::Internal);
    let mut feed = bench.health(false);
    assert_eq!(ask(&mut feed).await.unwrap_err().error.code, "provider-error");
    bench.double.faults().lift();
    bench.double.faults().keep("@us-east-1", Fault::Internal);
    assert_eq!(ask(&mut feed).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn an_end_that_comes_without_a_new_version_is_told() {
    for organisation in [false, true] {
        let bench = Bench::new(Machines::new()).await;
        let begun = now() - TimeDelta::hours(5);
        bench.double.health().tell(issue(begun, "open", vec![entity(1, "644160558196", "IMPAIRED")]));
        let (mut feed, now) = (bench.health(organisation), now());
        ask_at(&mut feed, now).await.unwrap();
        bench.double.health().tell(issue(begun, "closed", vec![entity(1, "644160558196", "RESOLVED")]));
        assert_eq!(ask_at(&mut feed, now + TimeDelta::minutes(5)).await.unwrap().items, Vec::new());
        let over = ask_at(&mut feed, now + TimeDelta::minutes(20)).await.unwrap();
        assert_eq!(impact(&over, "VKTXI").phase, Phase::Resolved, "organisation: {organisation}");
        let after = ask_at(&mut feed, now + TimeDelta::minutes(40)).await.unwrap();
        assert_eq!(after.items, Vec::new(), "once");
    }
}

fn further(number: usize, category: &'static str, status: &'static str) -> HealthEvent {
    let updated = now() - TimeDelta::minutes(i64::try_from(number).unwrap());
    HealthEvent {
        arn: format!("arn:aws:health:us-east-1::event/EC2/AWS_EC2_X/AWS_EC2_X_{number}"),
        category,
        ..issue(updated, status, Vec::new())
    }
}

#[tokio::test]
async fn a_first_look_at_very_many_events_tells_some_at_once_and_what_goes_on_first() {
    let bench = Bench::new(Machines::new()).await;
    (0..70).for_each(|number| bench.double.health().tell(further(number, "issue", "closed")));
    bench.double.health().tell(further(90, "issue", "open"));
    let mut feed = bench.health(false);
    let first = ask(&mut feed).await.unwrap();
    assert_eq!((first.items.len(), first.items[0].object_id.ends_with("_90")), (50, true));
    assert!(feed.pause().unwrap() < std::time::Duration::from_millis(20));
    assert_eq!(ask(&mut feed).await.unwrap().items.len(), 21);
    assert_eq!(ask(&mut feed).await.unwrap().items.len(), 0);
}

#[tokio::test]
async fn what_is_not_to_be_told_is_not_asked_for_in_full() {
    let bench = Bench::new(Machines::new()).await;
    bench.double.health().tell(further(1, "scheduledChange", "upcoming"));
    bench.double.health().tell(further(2, "accountNotification", "open"));
    let mut feed = bench.health(false);
    (feed.manner.scheduled, feed.manner.notifications) = (false, false);
    assert_eq!(ask(&mut feed).await.unwrap().items, Vec::new());
    let asked = bench.double.asked();
    assert!(asked.iter().all(|call| call.contains(":DescribeEvents@")), "{asked:?}");
}

#[tokio::test]
async fn an_event_that_hits_very_much_takes_nothing_from_those_beside_it() {
    let bench = Bench::new(Machines::new()).await;
    let many = (0..5_200).map(|number| entity(number, "644160558196", "IMPAIRED")).collect();
    bench.double.health().tell(HealthEvent { entities: many, ..further(1, "issue", "open") });
    let few = (0..3).map(|number| entity(number, "644160558196", "IMPAIRED")).collect();
    bench.double.health().tell(HealthEvent { entities: few, ..further(2, "issue", "open") });
    let reading = ask(&mut bench.health(false)).await.unwrap();
    assert_eq!(count(impact(&reading, "_X_2"), Quantity::Affected), 3);
    assert_eq!(impact(&reading, "_X_1").counts, Vec::new(), "of a part nothing is claimed");
}

#[tokio::test]
async fn what_an_account_keeps_from_its_organisation_is_not_counted_as_nothing() {
    let bench = Bench::new(Machines::new()).await;
    let hit = vec![entity(1, "644160558196", "IMPAIRED"), entity(2, "011122335622", "IMPAIRED")];
    bench.double.health().tell(issue(now(), "open", hit));
    bench.double.health().close_account("011122335622");
    let reading = ask(&mut bench.health(true)).await.unwrap();
    let counted: Vec<Unit> = impact(&reading, "VKTXI").counts.iter().map(|count| count.unit).collect();
    assert_eq!(counted, [Unit::Account], "how many machines there are is not known");
}

#[tokio::test]
async fn names_that_stand_within_names_are_told_nowhere() {
    let bench = Bench::new(Machines::new()).await;
    let database = Entity {
        value: "arn:aws:rds:us-east-1:644160558196:db:ledger-archive".to_owned(),
        account: "644160558196".to_owned(),
        status: Some("IMPAIRED"),
    };
    let text = "Your database ledger-archive is slow.".to_owned();
    bench.double.health().tell(HealthEvent { text, ..issue(now(), "open", vec![database]) });
    let reading = ask(&mut bench.health(false)).await.unwrap();
    assert_eq!(reading.items[0].also[0].notice().unwrap().text, "Your database [resource] is slow.");
}
