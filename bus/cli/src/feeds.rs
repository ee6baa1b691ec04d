//! Which public feeds are read, and where: the usual ones, what the settings and flags put in their place, and what they
//! leave out. How each is read, a page or a provider's advisories, is [`Reads`].

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use entente_schemas::subject::is_slug;
use entente_sidecar::item::Normalize;

use crate::exit::{Exit, Failure};
use crate::reads::Reads;
use crate::settings::Settings;
use crate::word::nearest;

/// The name of a feed on the command line and in the settings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// Google Cloud's incidents.
    Gcp,
    /// AWS's current events.
    Aws,
    /// AWS's older list of past events.
    AwsData,
    /// Azure's status feed.
    Azure,
    /// A vendor's status page or advisories.
    Vendor(String),
}

const NAMES: [&str; 5] = ["gcp", "aws", "aws-data", "azure", "vendor:NAME"];

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "gcp" => Ok(Self::Gcp),
            "aws" => Ok(Self::Aws),
            "aws-data" => Ok(Self::AwsData),
            "azure" => Ok(Self::Azure),
            _ => vendor(text).ok_or_else(|| {
                let meant = nearest(text, NAMES).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
                format!("`{text}` is no feed{meant} expected one of: {}", NAMES.join(", "))
            }),
        }
    }
}

fn vendor(text: &str) -> Option<Name> {
    let name = text.strip_prefix("vendor:")?;
    is_slug(name).then(|| Name::Vendor(name.to_owned()))
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gcp => f.write_str("gcp"),
            Self::Aws => f.write_str("aws"),
            Self::AwsData => f.write_str("aws-data"),
            Self::Azure => f.write_str("azure"),
            Self::Vendor(name) => write!(f, "vendor:{name}"),
        }
    }
}

/// `NAME=FILE|URL|DIR`, as a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The feed.
    pub name: Name,
    /// Where it is read instead.
    pub address: String,
}

impl FromStr for Redirect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, address) = text.split_once('=').ok_or("expected NAME=FILE, NAME=URL or NAME=DIR")?;
        if address.is_empty() {
            return Err(format!("expected a file, an address or a folder after `{name}=`"));
        }
        Ok(Self { name: name.parse()?, address: address.to_owned() })
    }
}

/// What the flags say of feeds.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Other addresses.
    pub redirects: Vec<Redirect>,
    /// Only these; none means all.
    pub only: Vec<Name>,
    /// Not these.
    pub without: Vec<Name>,
}

/// A feed that is to be read.
pub struct Chosen {
    /// Its name here.
    pub name: Name,
    /// What is read there.
    pub reads: Reads,
    /// Where it is asked.
    pub address: String,
    /// Whether settings or flags gave that address.
    pub named: bool,
}

/// The feeds to be read.
///
/// # Errors
/// If the settings name a feed that there is none of.
pub fn choose(settings: &Settings, wishes: &Wishes) -> Result<Vec<Chosen>, Failure> {
    let mut named: BTreeMap<Name, String> = BTreeMap::new();
    for (name, address) in &settings.feeds {
        let name = name.parse().map_err(|what| mistake(format!("feeds.{name}: {what}")))?;
        named.insert(name, address.clone());
    }
    named.extend(wishes.redirects.iter().map(|redirect| (redirect.name.clone(), redirect.address.clone())));
    let mut feeds = usual(&named);
    if !settings.public_feeds {
        feeds.retain(|feed| feed.named);
    }
    feeds.retain(|feed| wishes.only.is_empty() || wishes.only.contains(&feed.name));
    feeds.retain(|feed| !wishes.without.contains(&feed.name) && feed.address != "off");
    match wishes.only.iter().find(|name| feeds.iter().all(|feed| feed.name != **name)) {
        Some(missing) => Err(mistake(format!("feed {missing} has no address; name one with --feed {missing}=URL"))),
        None => Ok(feeds),
    }
}

fn mistake(what: String) -> Failure {
    Failure::new(Exit::Mistake, what, "see --feed in `entente up --help`")
}

/// The feeds that are read without being named, and those that are named, each at the address that is named for it.
fn usual(named: &BTreeMap<Name, String>) -> Vec<Chosen> {
    let page = |name: Name, page: Arc<dyn Normalize>| (name, Reads::Page(page));
    let mut feeds = vec![
        page(Name::Gcp, entente_gcp::public()),
        page(Name::Aws, entente_aws::current_events()),
        page(Name::Azure, entente_azure::status_rss()),
    ];
    for feed in entente_vendor::usual() {
        let vendor = feed.profile().speaker.org.clone();
        let name = Name::Vendor(vendor.clone());
        // Another address may be of another kind.
        let other = named.get(&name).map(|address| Reads::of_vendor(&vendor, address));
        feeds.push((name, other.unwrap_or(Reads::Page(feed))));
    }
    for (name, address) in named {
        if feeds.iter().any(|(known, _)| known == name) {
            continue;
        }
        match name {
            Name::AwsData => feeds.push(page(Name::AwsData, entente_aws::data())),
            Name::Vendor(vendor) => feeds.push((name.clone(), Reads::of_vendor(vendor, address))),
            Name::Gcp | Name::Aws | Name::Azure => {}
        }
    }
    let chosen = |(name, reads): (Name, Reads)| {
        let other = named.get(&name).cloned();
        let named = other.is_some();
        let address = other.unwrap_or_else(|| reads.profile().address.clone());
        Chosen { name, reads, address, named }
    };
    feeds.into_iter().map(chosen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(public: bool, feeds: &[(&str, &str)]) -> Settings {
        let folder = crate::folder::Folder::choose(Some(std::path::Path::new("/nowhere"))).unwrap();
        let flags = [("public_feeds".to_owned(), public.to_string())].into();
        let mut settings = Settings::read(&folder, &flags).unwrap();
        settings.feeds = feeds.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        settings
    }

    fn names(feeds: &[Chosen]) -> Vec<String> {
        feeds.iter().map(|feed| feed.name.to_string()).collect()
    }

    #[test]
    fn flags_go_over_settings_and_settings_over_the_usual_address() {
        let settings = settings(true, &[("gcp", "a.json"), ("aws", "b.json"), ("azure", "off")]);
        let wishes = Wishes { redirects: vec!["gcp=c.json".parse().unwrap()], ..Wishes::default() };
        let feeds = choose(&settings, &wishes).unwrap();
        let address = |name: Name| feeds.iter().find(|feed| feed.name == name).map(|feed| feed.address.as_str());
        assert_eq!(
            (address(Name::Gcp), address(Name::Aws), address(Name::Azure)),
            (Some("c.json"), Some("b.json"), None)
        );
        assert!(feeds.iter().any(|feed| matches!(feed.name, Name::Vendor(_))));
    }

    #[test]
    fn without_public_feeds_only_the_named_ones_are_read() {
        let settings = settings(false, &[("aws-data", "x.json")]);
        let wishes = Wishes { redirects: vec!["vendor:acme=acme.rss".parse().unwrap()], ..Wishes::default() };
        let feeds = choose(&settings, &wishes).unwrap();
        assert_eq!(names(&feeds), ["aws-data", "vendor:acme"]);
        assert_eq!(feeds[1].reads.profile().slug, "acme-rss");
    }

    #[test]
    fn a_vendor_s_json_is_read_as_a_status_page() {
        let named = BTreeMap::from([(Name::Vendor("acme".into()), "https://acme.example/api/v2/summary.json".into())]);
        let feeds = usual(&named);
        let acme = feeds.iter().find(|feed| feed.name == Name::Vendor("acme".into())).unwrap();
        assert_eq!(acme.reads.profile().slug, "acme-status");
    }

    #[test]
    fn a_provider_s_metadata_are_read_as_advisories() {
        let home = "https://www.acme.example/.well-known/csaf/provider-metadata.json";
        let named = BTreeMap::from([(Name::Vendor("acme".into()), home.into())]);
        let feeds = usual(&named);
        let acme = feeds.iter().find(|feed| feed.name == Name::Vendor("acme".into())).unwrap();
        assert_eq!(acme.reads.profile().slug, "acme-csaf");
        assert!(matches!(acme.reads, Reads::Advisories(_)));
    }

    #[test]
    fn a_known_vendor_at_another_address_is_read_as_that_address_says() {
        let slug = |address: &str| {
            let feeds = usual(&BTreeMap::from([(Name::Vendor("zoom".into()), address.into())]));
            let zoom = feeds.iter().find(|feed| feed.name == Name::Vendor("zoom".into())).unwrap();
            (zoom.reads.profile().slug.clone(), feeds.len())
        };
        let (rss, count) = slug("zoom.rss");
        assert_eq!((rss.as_str(), slug("zoom.json")), ("zoom-rss", ("zoom-status".to_owned(), count)));
    }

    #[test]
    fn only_and_without_choose_among_them() {
        let settings = settings(true, &[]);
        let wishes = Wishes { only: vec![Name::Gcp, Name::Azure], without: vec![], ..Wishes::default() };
        assert_eq!(names(&choose(&settings, &wishes).unwrap()), ["gcp", "azure"]);
        let wishes = Wishes { only: vec![Name::AwsData], ..Wishes::default() };
        assert!(choose(&settings, &wishes).err().unwrap().what.contains("aws-data has no address"));
    }

    #[test]
    fn a_misspelt_feed_is_told_what_was_expected() {
        assert!("gpc=x".parse::<Redirect>().unwrap_err().contains("did you mean `gcp`?"));
        assert!("vendor:Not A Slug=x".parse::<Redirect>().is_err());
        assert!("gcp".parse::<Redirect>().unwrap_err().contains("NAME=FILE"));
        assert!("gcp=".parse::<Redirect>().is_err());
    }
}
