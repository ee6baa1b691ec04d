//! Flags that say what is hit and where, and the blocks that they make.

use std::str::FromStr;

use clap::Args;
use entente_schemas::block::{BlockState, Layer, ServiceClass, Severity};
use serde_json::{Map, Value, json};

use super::members::{object, text, texts};
use crate::word::{nearest, word};

/// What is hit and where.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "What is hit and where")]
pub struct PlaceFlags {
    /// The class of service that fails; several make several blocks
    #[arg(long, value_delimiter = ',', value_parser = word!(ServiceClass))]
    pub class: Vec<ServiceClass>,
    /// Whose service: aws, azure, gcp or a vendor's slug (default: the speaker)
    #[arg(long)]
    pub provider: Option<String>,
    /// A service by its provider's own name
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
    /// A region by its provider's own code; none means not stated
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub region: Vec<String>,
    /// A zone by its provider's own code
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub zone: Vec<String>,
    /// The family of operating systems: windows, linux, macos
    #[arg(long, value_name = "FAMILY")]
    pub os: Option<String>,
    /// Whose software or hardware is concerned there
    #[arg(long, value_name = "SLUG")]
    pub asset_vendor: Option<String>,
    /// Which product
    #[arg(long, value_name = "NAME")]
    pub asset_product: Option<String>,
    /// Which versions, in the vendor's notation
    #[arg(long, value_name = "RANGE")]
    pub asset_version: Option<String>,
    /// The provider's platform, or what runs in the customer's machine
    #[arg(long, value_parser = word!(Layer))]
    pub layer: Option<Layer>,
    /// What state it is in (default: unknown)
    #[arg(long, value_parser = word!(BlockState))]
    pub state: Option<BlockState>,
}

/// Members of a block that are equal for every class.
fn shared(flags: &PlaceFlags, severity: Option<Severity>) -> Map<String, Value> {
    let asset = object([
        ("vendor", text(flags.asset_vendor.as_ref())),
        ("product", text(flags.asset_product.as_ref())),
        ("version_range", text(flags.asset_version.as_ref())),
        ("os_family", text(flags.os.as_ref())),
    ]);
    object([
        ("provider", text(flags.provider.as_ref())),
        ("services", texts(&flags.service)),
        ("regions", texts(&flags.region)),
        ("zones", texts(&flags.zone)),
        ("state", flags.state.map(|state| json!(state))),
        ("severity", severity.map(|severity| json!(severity))),
        ("layer", flags.layer.map(|layer| json!(layer))),
        ("asset", (!asset.is_empty()).then_some(Value::Object(asset))),
    ])
}

impl PlaceFlags {
    /// The blocks: new ones where a class is given, else `old` ones with what the flags change.
    ///
    /// # Errors
    /// If the flags say something of a block and there is none.
    pub fn blocks(&self, old: &[Value], provider: &str, severity: Option<Severity>) -> Result<Vec<Value>, String> {
        let said = shared(self, severity);
        if self.class.is_empty() {
            let only_severity = said.keys().all(|key| key == "severity");
            return match old {
                [] if only_severity => Ok(Vec::new()),
                [] => Err("--class: missing; the other flags of a place need the class of service".to_owned()),
                old => Ok(old.iter().map(|block| changed(block, &said)).collect()),
            };
        }
        let block = |class: &ServiceClass| {
            let mut block = object([("provider", Some(json!(provider))), ("service_class", Some(json!(class)))]);
            block.insert("state".to_owned(), json!(BlockState::Unknown));
            block.extend(said.clone());
            Value::Object(block)
        };
        Ok(self.class.iter().map(block).collect())
    }
}

fn changed(block: &Value, said: &Map<String, Value>) -> Value {
    let mut block = block.clone();
    if let Value::Object(members) = &mut block {
        members.extend(said.clone());
    }
    block
}

/// A further block in one argument: `class=compute,provider=aws,region=us-east-1+us-west-2,state=restored`.
#[derive(Clone, Debug, PartialEq)]
pub struct FurtherBlock(Map<String, Value>);

const BLOCK_KEYS: [&str; 9] = ["class", "provider", "service", "region", "zone", "os", "layer", "state", "severity"];

impl FromStr for FurtherBlock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut members = Map::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').ok_or_else(|| format!("`{part}`: expected KEY=VALUE"))?;
            let several = || Value::from(value.split('+').map(str::trim).collect::<Vec<_>>());
            let (name, value) = match key.trim() {
                "class" => ("service_class", known::<ServiceClass>(value)?),
                "provider" => ("provider", json!(value)),
                "service" => ("services", several()),
                "region" => ("regions", several()),
                "zone" => ("zones", several()),
                "os" => ("asset", json!({ "os_family": value })),
                "layer" => ("layer", known::<Layer>(value)?),
                "state" => ("state", known::<BlockState>(value)?),
                "severity" => ("severity", known::<Severity>(value)?),
                other => return Err(unknown_key(other)),
            };
            members.insert(name.to_owned(), value);
        }
        if members.contains_key("service_class") { Ok(Self(members)) } else { Err("expected class=CLASS in it".into()) }
    }
}

fn unknown_key(key: &str) -> String {
    let hint = nearest(key, BLOCK_KEYS).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    format!("unknown key `{key}`{hint} expected: {}", BLOCK_KEYS.join(", "))
}

fn known<T: FromStr<Err = entente_schemas::UnknownWord> + serde::Serialize>(value: &str) -> Result<Value, String> {
    let word: T = value.parse().map_err(|error: entente_schemas::UnknownWord| {
        let hint = nearest(value, error.expected.iter().copied()).map(|meant| format!(" (did you mean `{meant}`?)"));
        format!("{error}{}", hint.unwrap_or_default())
    })?;
    Ok(json!(word))
}

impl FurtherBlock {
    /// The block, with what it does not say itself.
    pub fn block(&self, provider: &str) -> Value {
        let mut block = object([("provider", Some(json!(provider))), ("service_class", None)]);
        block.insert("state".to_owned(), json!(BlockState::Unknown));
        block.extend(self.0.clone());
        Value::Object(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_makes_a_block() {
        let flags = PlaceFlags {
            class: vec![ServiceClass::Compute, ServiceClass::VirtualDesktop],
            region: vec!["us-east-1".to_owned()],
            os: Some("windows".to_owned()),
            ..PlaceFlags::default()
        };
        let blocks = flags.blocks(&[], "aws", Some(Severity::Critical)).unwrap();
        let block = |class: &str| {
            json!({ "provider": "aws", "service_class": class, "state": "unknown", "regions": ["us-east-1"],
                    "severity": "critical", "asset": { "os_family": "windows" } })
        };
        assert_eq!(blocks, [block("compute"), block("virtual_desktop")]);
    }

    #[test]
    fn a_revision_changes_the_blocks_that_are_there() {
        let old =
            json!({ "provider": "aws", "service_class": "compute", "state": "affected_unavailable", "zones": ["a"] });
        let flags = PlaceFlags { state: Some(BlockState::Restored), ..PlaceFlags::default() };
        let new = json!({ "provider": "aws", "service_class": "compute", "state": "restored", "zones": ["a"] });
        assert_eq!(flags.blocks(&[old], "aws", None), Ok(vec![new]));
        assert!(flags.blocks(&[], "aws", None).unwrap_err().contains("--class"));
        assert_eq!(PlaceFlags::default().blocks(&[], "aws", Some(Severity::Minor)), Ok(vec![]));
    }

    #[test]
    fn a_further_block_fits_one_argument() {
        let block: FurtherBlock = "class=dns,region=a+b,state=restored".parse().unwrap();
        let expected = json!({ "provider": "gcp", "state": "restored", "service_class": "dns", "regions": ["a", "b"] });
        assert_eq!(block.block("gcp"), expected);
        for (text, part) in [
            ("clas=dns", "did you mean `class`?"),
            ("class=dnss", "did you mean `dns`?"),
            ("state=restored", "expected class=CLASS"),
            ("class", "expected KEY=VALUE"),
        ] {
            let error = text.parse::<FurtherBlock>().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
