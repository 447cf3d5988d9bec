use super::*;
use TokenKind as K;

fn lex(text: &str) -> (Vec<(K, &str)>, Vec<String>) {
    let mut sink = Sink::default();
    let tokens = tokenize(SourceId(1), text, &mut sink);
    let pairs = tokens.tokens.iter().map(|token| (token.kind, &text[token.span.range()])).collect();
    (pairs, sink.finish().iter().map(|diagnostic| diagnostic.code().to_string()).collect())
}

fn kinds(text: &str) -> Vec<K> {
    let (mut tokens, _) = lex(text);
    assert_eq!(tokens.pop().map(|(kind, _)| kind), Some(K::End));
    tokens.into_iter().map(|(kind, _)| kind).collect()
}

#[test]
fn every_mark_is_a_token() {
    let marks = "{ } [ ] ( ) = ; , . : :: -> / + < >";
    let expected = [
        K::LBrace,
        K::RBrace,
        K::LBracket,
        K::RBracket,
        K::LParen,
        K::RParen,
        K::Eq,
        K::Semi,
        K::Comma,
        K::Dot,
        K::Colon,
        K::DoubleColon,
        K::Arrow,
        K::Slash,
        K::Plus,
        K::Lt,
        K::Gt,
    ];
    assert_eq!(kinds(marks), expected);
}

#[test]
fn texts_are_cut_as_the_original_cuts_them() {
    for (text, expected) in [
        ("a=1;", vec!["a", "=", "1", ";"]),
        ("-1 +2 -1.5 1.5.2", vec!["-1", "+2", "-1.5", "1.5", ".", "2"]),
        ("port->Peer:+=N", vec!["port", "->", "Peer", ":", "+", "=", "N"]),
        ("Name::policy(A)", vec!["Name", "::", "policy", "(", "A", ")"]),
        (r#""a \" b" "c""#, vec![r#""a \" b""#, r#""c""#]),
        (r#""\\" x"#, vec![r#""\\""#, "x"]),
        ("policy p < a -> b > message x", vec!["policy", "p", "< a -> b >", "message", "x"]),
        ("map m <it's># no", vec!["map", "m", "<it's>"]),
        ("map<a>", vec!["map", "<", "a", ">"]),
        ("a/*b*/c//d\r\ne", vec!["a", "c", "e"]),
        ("\u{fffd}x", vec!["\u{fffd}x"]),
    ] {
        let (mut tokens, _) = lex(text);
        tokens.pop();
        let texts: Vec<_> = tokens.iter().map(|(_, text)| *text).collect();
        assert_eq!(texts, expected, "{text}");
    }
}

#[test]
fn what_is_wrong_is_reported_once() {
    for (text, codes) in [
        ("\"open", vec!["X004"]),
        ("\"open\nx\" y", vec!["X004", "X004"]),
        ("/* open", vec!["X005"]),
        ("'single'", vec!["X006"]),
        ("# hash", vec!["X007"]),
        ("1a 2", vec!["X008"]),
        ("policy p < a", vec!["X009"]),
        ("policy p <\nmessage A {} policy q <>", vec!["X009"]),
        ("@@@ !", vec!["X003", "X003"]),
        ("näme", vec!["X003"]),
        ("/ - \" \"", vec!["X003"]),
        ("\u{fffd}", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(lex(text).1, codes, "{text}");
    }
}

#[test]
fn an_open_policy_ends_where_the_next_declaration_begins() {
    let (tokens, _) = lex("policy p < a & b\n\nmessage A {}");
    assert_eq!(tokens[2], (K::PolicyBody, "< a & b"));
    assert_eq!(tokens[3], (K::Word, "message"));
}

#[test]
fn tokens_know_their_comments_and_margin() {
    let mut sink = Sink::default();
    let text = "a // one\n/* two */ b\nc";
    let tokens = tokenize(SourceId(1), text, &mut sink).tokens;
    let seen: Vec<_> = tokens.iter().map(|token| (token.comments, token.at_margin)).collect();
    assert_eq!(seen, [(0, true), (2, false), (2, true), (2, false)]);
}
