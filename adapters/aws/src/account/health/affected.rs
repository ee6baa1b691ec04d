//! What an event of AWS Health hits: counted by AWS's own words, with the names that must not be told.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_schemas::count::{Count, Method, Quantity, Unit};

use crate::account::machine::machine;

/// States of what is hit still.
const OPEN: [&str; 2] = ["IMPAIRED", "PENDING"];
/// The state of what was hit.
const RESOLVED: &str = "RESOLVED";
/// The state of what was not hit. Any other word than these is of a state that is not known.
const UNIMPAIRED: &str = "UNIMPAIRED";

/// What an event hits, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Affected {
    /// Machines by AWS's word for their status; empty where none is stated.
    pub(crate) machines: BTreeMap<String, u64>,
    /// All resources by AWS's word for their status.
    pub(crate) resources: BTreeMap<String, u64>,
    /// Accounts, where an organisation is looked at.
    pub(crate) accounts: Option<u64>,
    /// Whether all of it was seen. What is counted of a part is not told.
    pub(crate) whole: bool,
    /// Names that must not be told.
    pub(crate) names: BTreeSet<String>,
}

impl Affected {
    /// Takes note of one resource.
    pub(crate) fn add(&mut self, value: &str, status: Option<&str>) {
        let status = status.unwrap_or_default().to_owned();
        *self.resources.entry(status.clone()).or_default() += 1;
        if machine(value).is_some_and(|id| id.starts_with("i-")) {
            *self.machines.entry(status).or_default() += 1;
        }
        self.hide(value);
    }

    /// Takes note of a name that must not be told, nor a part of it that is a name as well.
    pub(crate) fn hide(&mut self, value: &str) {
        let value = value.trim();
        if matches!(value, "UNKNOWN" | "AWS_ACCOUNT" | "") {
            return;
        }
        self.names.insert(value.to_owned());
        for part in value.split(['|', ',']).map(str::trim) {
            self.names.extend(parts(part).filter(|name| !name.is_empty()).map(str::to_owned));
        }
    }

    /// Takes note of what another page of the same statement holds.
    pub(crate) fn add_all(&mut self, other: &Self) {
        let pairs = [(&mut self.machines, &other.machines), (&mut self.resources, &other.resources)];
        for (counts, others) in pairs {
            others.iter().for_each(|(word, count)| *counts.entry(word.clone()).or_default() += count);
        }
        self.names.extend(other.names.iter().cloned());
    }

    /// Figures of the account that looks, as AWS states them: of a part of what is hit nothing is claimed. Who is in a state
    /// that is not known may be hit or not, and may be hit still.
    pub(super) fn counts(&self, as_of: DateTime<Utc>) -> Vec<Count> {
        let (open, resolved, silent) =
            (self.machines_at(&OPEN), self.machines_at(&[RESOLVED]), self.machines_at(&[""]));
        let known = open + resolved + silent;
        let unknown = self.machines.values().sum::<u64>() - known - self.machines_at(&[UNIMPAIRED]);
        let mut figures = Vec::new();
        if known + unknown > 0 {
            figures.push((Unit::Vm, Quantity::Affected, known, known + unknown));
            // Where AWS states no status it is not known who is hit still.
            if silent == 0 {
                figures.push((Unit::Vm, Quantity::Remaining, open, open + unknown));
            }
            if silent == 0 && known > 0 {
                figures.push((Unit::Vm, Quantity::Restored, resolved, resolved));
            }
        }
        figures.extend((unknown > 0).then_some((Unit::Vm, Quantity::Unknown, unknown, unknown)));
        figures.retain(|_| self.whole);
        let accounts = self.accounts.filter(|accounts| *accounts > 0);
        figures.extend(accounts.map(|accounts| (Unit::Account, Quantity::Affected, accounts, accounts)));
        figures.into_iter().map(|(unit, quantity, lo, hi)| count(unit, quantity, (lo, hi), as_of)).collect()
    }

    /// Machines in any of these states.
    fn machines_at(&self, words: &[&str]) -> u64 {
        words.iter().filter_map(|word| self.machines.get(*word)).sum()
    }
}

/// The names in a name: the path in an ARN without the kind that it begins with, `service/CLUSTER/NAME`; or in a bare path.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    let resource = Some(name).filter(|name| name.starts_with("arn:")).and_then(|arn| arn.splitn(6, ':').nth(5));
    let path = resource.unwrap_or(name);
    let named = path.find([':', '/']).filter(|_| resource.is_some()).map_or(0, |kind| kind + 1);
    path.get(named..).unwrap_or_default().split([':', '/'])
}

/// A figure: exact where its bounds are one, else these.
fn count(unit: Unit, quantity: Quantity, (lo, hi): (u64, u64), as_of: DateTime<Utc>) -> Count {
    let ranged = |bound| Some(bound).filter(|_| lo != hi);
    Count {
        unit,
        quantity,
        value: Some(lo).filter(|_| lo == hi),
        lo: ranged(lo),
        hi: ranged(hi),
        method: Method::VendorStatement,
        as_of,
        overlap_domain: None,
        population: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(stated: &[(&str, Option<&str>)], whole: bool) -> Vec<(Unit, Quantity, Option<u64>)> {
        let mut affected = Affected { whole, ..Affected::default() };
        stated.iter().for_each(|(value, status)| affected.add(value, *status));
        let counts = affected.counts("2026-01-01T00:00:00Z".parse().unwrap());
        counts.into_iter().map(|count| (count.unit, count.quantity, count.value)).collect()
    }

    #[test]
    fn only_machines_are_counted_and_only_where_all_were_seen() {
        let stated = [
            ("i-0aaaaaa1", Some("IMPAIRED")),
            ("arn:aws:ec2:us-east-1:644160558196:instance/i-0aaaaaaaaaaaaaaa2", Some("PENDING")),
            ("i-0aaaaaaaaaaaaaaa3", Some("RESOLVED")),
            ("vol-0aaaaaaaaaaaaaaa1", Some("IMPAIRED")),
            ("i-am-a-database", Some("IMPAIRED")),
        ];
        let expected = [
            (Unit::Vm, Quantity::Affected, Some(3)),
            (Unit::Vm, Quantity::Remaining, Some(2)),
            (Unit::Vm, Quantity::Restored, Some(1)),
        ];
        assert_eq!(figures(&stated, true), expected);
        assert_eq!(figures(&stated, false), []);
    }

    #[test]
    fn who_is_in_a_state_that_is_not_known_may_be_hit_still() {
        let stated = |words: &[(&'static str, u64)]| {
            let machines = words.iter().map(|(word, number)| ((*word).to_owned(), *number)).collect();
            let counts = Affected { machines, whole: true, ..Affected::default() }.counts(DateTime::UNIX_EPOCH);
            counts.into_iter().map(|count| (count.quantity, count.value, count.lo, count.hi)).collect::<Vec<_>>()
        };
        let ranged = |quantity, lo, hi| (quantity, None, Some(lo), Some(hi));
        let expected = [
            ranged(Quantity::Affected, 1, 10),
            ranged(Quantity::Remaining, 0, 9),
            (Quantity::Restored, Some(1), None, None),
            (Quantity::Unknown, Some(9), None, None),
        ];
        assert_eq!(stated(&[("WIBBLE", 4), ("UNKNOWN", 5), ("RESOLVED", 1), ("UNIMPAIRED", 3)]), expected);
        let unknown = (Quantity::Unknown, Some(9), None, None);
        let nobody = [ranged(Quantity::Affected, 0, 9), ranged(Quantity::Remaining, 0, 9), unknown];
        assert_eq!(stated(&[("UNKNOWN", 9)]), nobody);
        assert_eq!(stated(&[("UNIMPAIRED", 3)]), []);
    }

    #[test]
    fn a_name_within_a_name_is_one() {
        let hidden = |value: &str| {
            let mut affected = Affected::default();
            affected.hide(value);
            affected.names.into_iter().filter(|name| name != value).collect::<Vec<_>>()
        };
        assert_eq!(hidden("arn:aws:rds:us-east-1:644160558196:db:prod-db"), ["prod-db"]);
        assert_eq!(hidden("arn:aws:ecs:us-east-1:644160558196:service/shop/web"), ["shop", "web"]);
        assert_eq!(hidden("arn:aws:s3:::ledger-archive"), ["ledger-archive"]);
        assert_eq!(hidden("shop | checkout"), ["checkout", "shop"]);
        assert_eq!((hidden("AWS_ACCOUNT"), hidden("prod-db")), (Vec::new(), Vec::new()));
    }

    #[test]
    fn nothing_is_nought_for_want_of_a_word() {
        assert_eq!(figures(&[("i-0aaaaaa1", None)], true), [(Unit::Vm, Quantity::Affected, Some(1))]);
        assert_eq!(figures(&[("AWS_ACCOUNT", Some("IMPAIRED")), ("UNKNOWN", None)], true), []);
    }
}
