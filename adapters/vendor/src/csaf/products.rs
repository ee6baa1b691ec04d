//! The product tree of a document, by product id: what people call each product, and which product it is a version of.
//! Ids are the document's own and may point anywhere, also round in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use entente_schemas::digest::{SHORT, base32, length_prefixed};

use super::document::{Branch, FullName, Relationship, Tree};
use super::table::{BranchPart, table};

/// Names of products that one claim carries; the rest is a count and a digest.
const NAMES_MAX: usize = 200;
/// Files that one claim carries.
const FILES_MAX: usize = 50;
/// Characters of a name that are kept.
const NAME_MAX: usize = 300;
/// Steps that a product is followed to the one that it is a component of.
const STEPS_MAX: usize = 16;

/// The products of a document.
#[derive(Debug, Default)]
pub(crate) struct Products<'a> {
    by_id: BTreeMap<&'a str, Product<'a>>,
    groups: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

#[derive(Clone, Debug)]
struct Product<'a> {
    full: &'a str,
    path: Path<'a>,
    /// The files that it consists of, as far as the document hashes them.
    files: BTreeSet<&'a str>,
    /// The product that this one is as it is installed with another.
    of: Option<&'a str>,
    /// The product that it is a part of.
    part_of: Option<&'a str>,
}

/// What the branches above a product say of it.
#[derive(Clone, Copy, Debug, Default)]
struct Path<'a> {
    vendor: Option<&'a str>,
    product: Option<&'a str>,
    version: Option<&'a str>,
}

impl<'a> Products<'a> {
    /// Reads a product tree. Of two products of one id the first counts.
    pub(crate) fn of(tree: Option<&'a Tree>) -> Self {
        let mut products = Self::default();
        let Some(tree) = tree else { return products };
        for branch in tree.branches.iter() {
            products.branch(branch, Path::default());
        }
        for name in tree.full_product_names.iter() {
            products.add(name, Path::default());
        }
        for relationship in tree.relationships.iter() {
            products.relate(relationship);
        }
        for group in tree.product_groups.iter() {
            let ids = group.product_ids.iter().map(String::as_str);
            products.groups.entry(&group.group_id).or_default().extend(ids);
        }
        products
    }

    fn branch(&mut self, branch: &'a Branch, above: Path<'a>) {
        let mut path = above;
        if let (Some(category), Some(name)) = (&branch.category, &branch.name) {
            match table().branch(category) {
                Some(BranchPart::Vendor) => path.vendor = Some(name),
                Some(BranchPart::Product) => path.product = Some(name),
                Some(BranchPart::Version) => path.version = Some(name),
                // A family is the product where no branch below names one.
                Some(BranchPart::Family) => path.product = path.product.or(Some(name)),
                None => {}
            }
        }
        if let Some(product) = &branch.product {
            self.add(product, path);
        }
        branch.branches.iter().for_each(|below| self.branch(below, path));
    }

    fn add(&mut self, name: &'a FullName, path: Path<'a>) {
        let product = Product { full: &name.name, path, files: files(name), of: None, part_of: None };
        self.by_id.entry(&name.product_id).or_insert(product);
    }

    fn relate(&mut self, relationship: &'a Relationship) {
        let name = &relationship.full_product_name;
        let is_part = relationship.category.as_deref().is_some_and(|category| table().is_part(category));
        let product = Product {
            full: &name.name,
            path: Path::default(),
            files: files(name),
            of: Some(&relationship.product_reference),
            part_of: relationship.relates_to_product_reference.as_deref().filter(|_| is_part),
        };
        self.by_id.entry(&name.product_id).or_insert(product);
    }

    /// Every product id of the document.
    pub(crate) fn ids(&self) -> BTreeSet<&'a str> {
        self.by_id.keys().copied().collect()
    }

    /// The product ids of a group.
    pub(crate) fn group(&self, id: &str) -> impl Iterator<Item = &'a str> {
        self.groups.get(id).into_iter().flatten().copied()
    }

    /// What the products of these ids are called: first each product without its version, under which others name it, and
    /// what it is a part of; then each as it is called in full. An id that the document does not explain stands for itself.
    pub(crate) fn names<'b>(&self, ids: impl IntoIterator<Item = &'b str>) -> Vec<String> {
        let (mut bases, mut full) = (BTreeSet::new(), BTreeSet::new());
        for id in ids {
            match self.by_id.get(id) {
                Some(product) => {
                    let whole = product.part_of.and_then(|id| self.by_id.get(id));
                    let named = [Some(product), whole].into_iter().flatten();
                    bases.extend(named.filter_map(|product| self.path(product).product).map(cut));
                    full.insert(in_full(product));
                }
                None => {
                    full.insert(cut(id));
                }
            }
        }
        let rest: Vec<String> = full.difference(&bases).cloned().collect();
        within(bases.into_iter().filter(|name| !name.is_empty()).chain(rest).collect())
    }

    /// What the products of these ids are called in full, each version for itself.
    pub(crate) fn full_names<'b>(&self, ids: impl IntoIterator<Item = &'b str>) -> BTreeSet<String> {
        ids.into_iter().map(|id| self.by_id.get(id).map_or_else(|| cut(id), in_full)).collect()
    }

    /// The vendors that the tree names for these products.
    pub(crate) fn vendors<'b>(&self, ids: impl IntoIterator<Item = &'b str>) -> BTreeSet<&'a str> {
        let products = ids.into_iter().filter_map(|id| self.by_id.get(id));
        products.filter_map(|product| self.path(product).vendor).collect()
    }

    /// The files that these products consist of.
    pub(crate) fn files<'b>(&self, ids: impl IntoIterator<Item = &'b str>) -> Vec<String> {
        let products = ids.into_iter().filter_map(|id| self.by_id.get(id));
        let files: BTreeSet<&str> =
            products.flat_map(|one| one.files.iter().chain(&self.base(one).files)).copied().collect();
        files.into_iter().take(FILES_MAX).map(cut).collect()
    }

    fn path(&self, product: &Product<'a>) -> Path<'a> {
        self.base(product).path
    }

    /// A product, or the one that it is as it is installed with others.
    fn base<'b>(&'b self, product: &'b Product<'a>) -> &'b Product<'a> {
        let mut product = product;
        for _ in 0..STEPS_MAX {
            match product.of.and_then(|id| self.by_id.get(id)) {
                Some(next) => product = next,
                None => break,
            }
        }
        product
    }
}

fn files(name: &FullName) -> BTreeSet<&str> {
    let helper = name.product_identification_helper.as_ref();
    let helper = helper.and_then(|part| part.make(String::new, Ok::<_, Infallible>).ok());
    let names = helper.into_iter().flat_map(|helper| helper.hashes.iter()).filter_map(|hash| hash.filename.as_deref());
    names.map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// The full name, with the version where the name tells none.
fn in_full(product: &Product<'_>) -> String {
    match product.path.version {
        Some(version) if !product.full.contains(|c: char| c.is_ascii_digit()) => {
            cut(&format!("{} {version}", product.full.trim()))
        }
        _ => cut(product.full),
    }
}

fn cut(name: &str) -> String {
    name.trim().chars().take(NAME_MAX).collect()
}

fn within(mut names: Vec<String>) -> Vec<String> {
    if names.len() > NAMES_MAX {
        let rest = names.split_off(NAMES_MAX - 1);
        names.push(format!("({} more, sha256 {})", rest.len(), base32(&length_prefixed(rest.iter()), SHORT)));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(json: &str) -> Tree {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_product_is_named_without_and_with_its_version() {
        let tree = tree(
            r#"{"branches":[{"category":"vendor","name":"Acme","branches":[{"category":"product_name","name":"Agent",
            "branches":[{"category":"product_version_range","name":"<7.16","product":{"name":"Acme Agent","product_id":"A"}},
            {"category":"product_version","name":"7.16","product":{"name":"Acme Agent 7.16","product_id":"B"}}]}]}],
            "full_product_names":[{"name":"Widget","product_id":"W"}],
            "product_groups":[{"group_id":"G","product_ids":["A","W"]}]}"#,
        );
        let products = Products::of(Some(&tree));
        assert_eq!(products.names(["A", "B"]), ["Agent", "Acme Agent 7.16", "Acme Agent <7.16"]);
        assert_eq!(products.names(products.group("G")), ["Agent", "Acme Agent <7.16", "Widget"]);
        assert_eq!(products.names(["nobody"]), ["nobody"]);
        assert_eq!(products.vendors(["A", "W"]), BTreeSet::from(["Acme"]));
    }

    #[test]
    fn a_part_of_a_product_is_named_with_it_and_what_is_installed_beside_another_is_not() {
        let tree = tree(
            r#"{"branches":[{"category":"vendor","name":"Acme","branches":[
            {"category":"product_name","name":"Acme Linux 8","product":{"name":"Acme Linux 8","product_id":"L"}},
            {"category":"architecture","name":"x86_64","branches":[
             {"category":"product_version","name":"kernel-4.18","product":{"name":"kernel-4.18.x86_64","product_id":"K"}}]}]}],
            "relationships":[
            {"category":"default_component_of","product_reference":"K","relates_to_product_reference":"L",
             "full_product_name":{"name":"kernel-4.18.x86_64 of Acme Linux 8","product_id":"L:K"}},
            {"category":"installed_on","product_reference":"K","relates_to_product_reference":"L",
             "full_product_name":{"name":"kernel-4.18.x86_64 on Acme Linux 8","product_id":"K-L"}}]}"#,
        );
        let products = Products::of(Some(&tree));
        assert_eq!(products.names(["L:K"]), ["Acme Linux 8", "kernel-4.18.x86_64 of Acme Linux 8"]);
        assert_eq!(products.names(["K-L"]), ["kernel-4.18.x86_64 on Acme Linux 8"]);
    }

    #[test]
    fn a_product_s_files_are_those_that_the_document_hashes() {
        let tree = tree(
            r#"{"full_product_names":[{"name":"update 42","product_id":"U","product_identification_helper":{"hashes":[
            {"file_hashes":[{"algorithm":"sha256","value":"00"}],"filename":"C-00000042.sys"},{}]}},
            {"name":"none","product_id":"N","product_identification_helper":7}],
            "relationships":[{"category":"installed_on","product_reference":"U","relates_to_product_reference":"N",
             "full_product_name":{"name":"update 42 on none","product_id":"U-N"}}]}"#,
        );
        let products = Products::of(Some(&tree));
        assert_eq!(products.files(["U-N", "nobody"]), ["C-00000042.sys"]);
        assert_eq!(products.files(["N"]).len(), 0);
    }

    #[test]
    fn products_that_are_components_of_each_other_end() {
        let tree = tree(
            r#"{"relationships":[
            {"full_product_name":{"name":"one","product_id":"1"},"product_reference":"2"},
            {"full_product_name":{"name":"two","product_id":"2"},"product_reference":"1"},
            {"full_product_name":{"name":"self","product_id":"3"},"product_reference":"3"}]}"#,
        );
        assert_eq!(Products::of(Some(&tree)).names(["1", "2", "3"]), ["one", "self", "two"]);
    }

    #[test]
    fn ten_thousand_products_are_a_list_that_ends_with_how_many_more() {
        let names = (0..10_000).map(|n| format!(r#"{{"name":"P{n:05}","product_id":"{n}"}}"#)).collect::<Vec<_>>();
        let tree = tree(&format!(r#"{{"full_product_names":[{}]}}"#, names.join(",")));
        let products = Products::of(Some(&tree));
        let names = products.names(products.ids());
        assert_eq!((names.len(), names[198].as_str()), (NAMES_MAX, "P00198"));
        assert!(names[199].starts_with("(9801 more, sha256 "), "{}", names[199]);
    }
}
