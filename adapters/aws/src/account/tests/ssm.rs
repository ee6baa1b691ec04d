//! Repairs by Systems Manager, and the machines that they repair.

use chrono::{TimeDelta, Utc};
use entente_exercise::{Condition, Fault, Fleet as Machines, Os};
use entente_schemas::count::Quantity;
use entente_sidecar::Ask as _;
use entente_sidecar::item::Reading;

use super::{Bench, ask, ask_at, count, impact, run, tally};

const WORKFLOW: &str = "AWSSupport-StartEC2RescueWorkflow";

async fn broken(windows: usize) -> (Bench, Vec<usize>) {
    let (machines, since) = (Machines::new(), Utc::now() - TimeDelta::days(30));
    let all = machines.add(windows, Os::Windows, ("us-east-1", "us-east-1a"), false, since);
    machines.set(all.iter().copied(), &Condition::BootLoop, Utc::now());
    (Bench::new(machines).await, all)
}

#[tokio::test]
async fn children_are_counted_and_success_is_an_attempt_until_the_machine_is_well() {
    let (bench, all) = broken(120).await;
    let (mut checks, mut repairs) = (bench.ec2(&[]), bench.ssm());
    ask(&mut checks).await.unwrap();
    assert_eq!(ask(&mut repairs).await.unwrap().items, Vec::new());
    let automations = bench.double.automations();
    let parent = automations.start_many("us-east-1", WORKFLOW, &all, Utc::now());
    let told = ask(&mut repairs).await.unwrap();
    let workflow = run(&told, "aws-ssm-start-ec2-rescue");
    let figures = |run| (tally(run, |t| t.targeted), tally(run, |t| t.attempted), tally(run, |t| t.succeeded));
    assert_eq!(figures(workflow), (120, 0, 0), "steps of one execution are no machines");

    automations.set_children(&parent, &all[..60], "Success", Utc::now());
    automations.set_children(&parent, &all[60..80], "Failed", Utc::now());
    automations.set_children(&parent, &all[80..90], "InProgress", Utc::now());
    let told = ask(&mut repairs).await.unwrap();
    let workflow = run(&told, "aws-ssm-start-ec2-rescue");
    assert_eq!(figures(workflow), (120, 90, 0));
    assert_eq!((tally(workflow, |t| t.failed), tally(workflow, |t| t.succeeded)), (20, 0));

    bench.double.fleet().set(all.iter().copied().take(50), &Condition::Well, Utc::now());
    let guest = ask(&mut checks).await.unwrap();
    assert_eq!(count(impact(&guest, "/guest"), Quantity::Remaining), 70);
    let told = ask(&mut repairs).await.unwrap();
    assert_eq!(figures(run(&told, "aws-ssm-start-ec2-rescue")), (120, 90, 50));
}

#[tokio::test]
async fn a_single_execution_is_one_machine_and_a_long_one_is_found_by_its_id() {
    let (bench, all) = broken(3).await;
    let (mut checks, mut repairs) = (bench.ec2(&[]), bench.ssm());
    ask(&mut checks).await.unwrap();
    let long_ago = Utc::now() - TimeDelta::hours(3);
    let execution = bench.double.automations().start("us-east-1", "AWS-RestartEC2Instance", all[0], long_ago);
    let told = ask(&mut repairs).await.unwrap();
    assert_eq!(tally(run(&told, "aws-ssm-restart"), |t| t.in_progress), 1);
    assert!(repairs.pause().unwrap() < std::time::Duration::from_millis(20));
    // It began long before what is asked for now.
    bench.double.automations().set(&execution, "TimedOut", Utc::now());
    let told = ask(&mut repairs).await.unwrap();
    let restart = run(&told, "aws-ssm-restart");
    assert_eq!(
        (tally(restart, |t| t.attempted), tally(restart, |t| t.failed), tally(restart, |t| t.in_progress)),
        (1, 1, 0)
    );
    let gets = bench.double.asked().iter().filter(|call| call.contains("GetAutomationExecution")).count();
    assert_eq!(gets, 1, "its parameters are asked for once");
}

#[tokio::test]
async fn what_ended_is_told_once_even_after_a_restart() {
    let (bench, all) = broken(2).await;
    let mut checks = bench.ec2(&[]);
    ask(&mut checks).await.unwrap();
    let now = Utc::now();
    let execution = bench.double.automations().start("us-east-1", WORKFLOW, all[0], now - TimeDelta::minutes(30));
    bench.double.automations().set(&execution, "Success", now - TimeDelta::minutes(5));
    ask_at(&mut bench.ssm(), now).await.unwrap();
    bench.double.fleet().set([all[0]], &Condition::Well, now);
    ask(&mut checks).await.unwrap();
    // The machine fails anew: the old execution has repaired nothing of that.
    bench.double.fleet().set([all[0]], &Condition::BootLoop, now);
    let relapsed = ask(&mut checks).await.unwrap();
    assert_eq!(count(impact(&relapsed, "/guest"), Quantity::Relapsed), 1);
    let told = ask_at(&mut bench.ssm(), now + TimeDelta::minutes(1)).await.unwrap();
    let workflow = run(&told, "aws-ssm-start-ec2-rescue");
    assert_eq!((tally(workflow, |t| t.attempted), tally(workflow, |t| t.in_progress)), (1, 0));
}

#[tokio::test]
async fn a_region_that_never_answers_keeps_the_others_from_no_restart() {
    let (bench, all) = broken(2).await;
    bench.double.fleet().add(1, Os::Linux, ("eu-west-1", "eu-west-1a"), false, Utc::now() - TimeDelta::days(30));
    bench.double.faults().keep("ssm:DescribeAutomationExecutions@eu-west-1", Fault::Forbidden);
    let (mut checks, now) = (bench.ec2(&[]), Utc::now());
    ask(&mut checks).await.unwrap();
    let execution = bench.double.automations().start("us-east-1", WORKFLOW, all[0], now - TimeDelta::minutes(30));
    bench.double.automations().set(&execution, "Failed", now - TimeDelta::minutes(5));
    assert!(ask_at(&mut bench.ssm(), now).await.unwrap().lacks.is_some());
    let asked = |bench: &Bench| bench.double.asked().iter().filter(|call| call.contains("GetAutomation")).count();
    assert_eq!(asked(&bench), 1);
    ask_at(&mut bench.ssm(), now + TimeDelta::minutes(1)).await.unwrap();
    assert_eq!(asked(&bench), 1, "what ended is not looked into again");
}

#[tokio::test]
async fn words_of_tomorrow_are_told_and_other_documents_are_none_of_ours() {
    let (bench, all) = broken(2).await;
    let mut repairs = bench.ssm();
    let automations = bench.double.automations();
    let execution = automations.start("us-east-1", WORKFLOW, all[0], Utc::now());
    automations.set(&execution, "Levitating", Utc::now());
    automations.start("us-east-1", "AWS-UpdateLinuxAmi", all[1], Utc::now());
    let told = ask(&mut repairs).await.unwrap();
    assert_eq!(told.items, Vec::new());
    assert_eq!(told.unmapped.keys().map(|word| word.word.as_str()).collect::<Vec<_>>(), ["Levitating"]);
}

#[tokio::test]
async fn of_several_repairs_the_last_one_says_how_it_stands() {
    let (bench, all) = broken(2).await;
    ask(&mut bench.ec2(&[])).await.unwrap();
    let (automations, now) = (bench.double.automations(), Utc::now());
    // Ids tell nothing of their order.
    for (began, status) in [(20, "Success"), (50, "Failed")] {
        let execution = automations.start("us-east-1", WORKFLOW, all[0], now - TimeDelta::minutes(began));
        automations.set(&execution, status, now - TimeDelta::minutes(began - 10));
    }
    let told = ask_at(&mut bench.ssm(), now).await.unwrap();
    let workflow = run(&told, "aws-ssm-start-ec2-rescue");
    assert_eq!((tally(workflow, |t| t.attempted), tally(workflow, |t| t.failed)), (1, 0));
}

#[tokio::test]
async fn a_long_run_over_many_machines_is_followed_by_its_parent() {
    let (bench, all) = broken(300).await;
    ask(&mut bench.ec2(&[])).await.unwrap();
    let (automations, now) = (bench.double.automations(), Utc::now());
    let parent = automations.start_many("us-east-1", WORKFLOW, &all, now - TimeDelta::minutes(30));
    let mut repairs = bench.ssm();
    ask_at(&mut repairs, now).await.unwrap();
    let before = bench.double.asked().len();
    automations.set_children(&parent, &all[..7], "Success", now);
    let told = ask_at(&mut repairs, now + TimeDelta::minutes(1)).await.unwrap();
    assert_eq!(tally(run(&told, "aws-ssm-start-ec2-rescue"), |t| t.attempted), 7);
    let calls = bench.double.asked().split_off(before);
    assert!(calls.len() <= 8, "what is new, the parent, and six pages of its children: {calls:?}");
}

#[tokio::test]
async fn a_parent_that_began_before_the_first_look_is_found_by_its_children() {
    let (bench, all) = broken(3).await;
    ask(&mut bench.ec2(&[])).await.unwrap();
    let (automations, now) = (bench.double.automations(), Utc::now());
    let parent = automations.start_many("us-east-1", WORKFLOW, &all[..1], now - TimeDelta::hours(30));
    automations.start_part(&parent, WORKFLOW, &all[1..], now - TimeDelta::hours(2));
    let told = ask_at(&mut bench.ssm(), now).await.unwrap();
    assert_eq!(tally(run(&told, "aws-ssm-start-ec2-rescue"), |t| t.targeted), 3, "in all its parts");
}

#[tokio::test]
async fn a_step_counts_where_what_it_is_a_step_of_does_not() {
    let (bench, all) = broken(3).await;
    ask(&mut bench.ec2(&[])).await.unwrap();
    let (automations, now) = (bench.double.automations(), Utc::now());
    let own = automations.start("us-east-1", "Acme-Repair", all[0], now);
    automations.start_step(&own, "AWS-RestartEC2Instance", all[0], now);
    let rescue = automations.start("us-east-1", WORKFLOW, all[1], now);
    automations.start_step(&rescue, "AWS-RestartEC2Instance", all[1], now);
    let told = ask_at(&mut bench.ssm(), now).await.unwrap();
    assert_eq!(tally(run(&told, "aws-ssm-restart"), |t| t.in_progress), 1);
    assert_eq!(tally(run(&told, "aws-ssm-start-ec2-rescue"), |t| t.in_progress), 1);
}

#[tokio::test]
async fn hundreds_of_single_executions_are_told_as_they_are_learnt() {
    let (bench, all) = broken(130).await;
    ask(&mut bench.ec2(&[])).await.unwrap();
    let (automations, now) = (bench.double.automations(), Utc::now());
    for machine in &all {
        let execution = automations.start("us-east-1", WORKFLOW, *machine, now - TimeDelta::hours(2));
        automations.set(&execution, "Failed", now - TimeDelta::hours(1));
    }
    let failed = |told: &Reading| tally(run(told, "aws-ssm-start-ec2-rescue"), |t| t.failed);
    assert_eq!(failed(&ask_at(&mut bench.ssm(), now).await.unwrap()), 100);
    // The program ended while something was owed: the next one begins anew, and tells it.
    let mut next = bench.ssm();
    ask_at(&mut next, now + TimeDelta::minutes(30)).await.unwrap();
    assert_eq!(failed(&ask_at(&mut next, now + TimeDelta::minutes(31)).await.unwrap()), 130);
}
