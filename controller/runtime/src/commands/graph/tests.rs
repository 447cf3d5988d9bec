use std::fs;
use std::path::PathBuf;

use super::*;

const MODELS: &str = "option app_label = \"shop\";
message Item (XOSBase) { option abstract = True; required string name = 1 [max_length = 9]; }
message Book (Item) {
    required manytoone shop->Shop:books = 2:1001;
    optional manytoone sequel->Book = 3;
    optional manytoone owner->User:books_owned = 4:1002;
}
message Shop (Service) { optional manytomany sells_to->Shop/Trade:buys_from = 2:1003; }
message Trade (XOSBase) {}
";

fn printed(output: Output, all: bool) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("shop.xproto"), MODELS).unwrap();
    let source = SourceArgs { paths: vec![PathBuf::from(folder.path())], config: vec![] };
    let mut out = vec![];
    let exit = run(&Synchronizer::new("xos"), &GraphArgs { source, all, output }, &mut out).unwrap();
    assert_eq!(exit, Exit::Success);
    String::from_utf8(out).unwrap()
}

#[test]
fn graphviz_gets_models_and_links() {
    let expected = r#"digraph models {
  rankdir=LR;
  node [shape=box];
  "Item" [label="Item\n(abstract)"];
  "Book" [label="Book"];
  "Shop" [label="Shop"];
  "Trade" [label="Trade"];
  "User" [label="User", style=dotted];
  "Service" [label="Service", style=dotted];
  "Book" -> "Item" [style=dashed, arrowhead=empty];
  "Book" -> "Shop" [label="shop\nmanytoone, required\nreverse: books"];
  "Book" -> "Book" [label="sequel\nmanytoone, optional"];
  "Book" -> "User" [label="owner\nmanytoone, optional\nreverse: books_owned"];
  "Shop" -> "Service" [style=dashed, arrowhead=empty];
  "Shop" -> "Shop" [label="sells_to\nmanytomany through Trade, optional\nreverse: buys_from"];
}
"#;
    assert_eq!(printed(Output::Dot, false), expected);
}

#[test]
fn mermaid_gets_the_same() {
    let expected = r#"flowchart LR
  Item["Item<br/>(abstract)"]
  Book["Book"]
  Shop["Shop"]
  Trade["Trade"]
  User["User"]:::foreign
  Service["Service"]:::foreign
  Book -.->|inherits from| Item
  Book -->|"shop<br/>manytoone, required<br/>reverse: books"| Shop
  Book -->|"sequel<br/>manytoone, optional"| Book
  Book -->|"owner<br/>manytoone, optional<br/>reverse: books_owned"| User
  Shop -.->|inherits from| Service
  Shop -->|"sells_to<br/>manytomany through Trade, optional<br/>reverse: buys_from"| Shop
  classDef foreign stroke-dasharray: 2 2
"#;
    assert_eq!(printed(Output::Mermaid, false), expected);
}

#[test]
fn the_whole_set_has_what_the_core_s_models_lead_to() {
    let text = printed(Output::Dot, true);
    assert!(text.contains("\"Site\" [label=\"Site\", style=dotted];"), "{text}");
    assert!(text.contains("  \"User\" -> \"Site\" [label="), "{text}");
    assert!(!text.contains("XOSBase"), "{text}");
    assert_eq!(text, printed(Output::Dot, true));
}
