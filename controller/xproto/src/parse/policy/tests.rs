use super::*;
use crate::source::Sources;

/// Returns how a policy reads, with the parentheses that it needs, and the codes of what is wrong.
fn read(text: &str) -> (Option<String>, Vec<String>) {
    let mut sources = Sources::new();
    let text = format!("policy p <{text}>");
    let id = sources.add("a.xproto", text.as_str());
    let mut sink = Sink::default();
    let file = crate::parse::parse(id, sources.get(id).unwrap(), &mut sink);
    let expr = file.policies.into_iter().next().and_then(|policy| policy.expr).map(|expr| expr.to_string());
    (expr, sink.finish().iter().map(|diagnostic| diagnostic.code().to_string()).collect())
}

#[test]
fn operators_bind_as_in_xos() {
    for (written, meant) in [
        ("a", "a"),
        ("a & b | c & d", "a & b | c & d"),
        ("a & (b | c) & d", "a & (b | c) & d"),
        ("a -> b -> c", "a -> b -> c"),
        ("(a -> b) -> c", "(a -> b) -> c"),
        ("a | b -> c | d", "a | b -> c | d"),
        ("a | (b -> c) | d", "a | (b -> c) | d"),
        ("not a = b", "not a = b"),
        ("not a & b", "not a & b"),
        ("not (a & b)", "not (a & b)"),
        ("not not a in b", "not not a in b"),
        ("((a))", "a"),
        ("a&b|not c", "a & b | not c"),
        ("a | (b | c)", "a | (b | c)"),
    ] {
        assert_eq!(read(written), (Some(meant.to_owned()), vec![]), "{written}");
    }
}

/// The body of a quantifier goes as far to the right as it can, which is not what XOS 4.0.4 makes of it.
#[test]
fn a_quantifier_takes_all_that_follows() {
    for (written, meant, codes) in [
        ("exists M: M.a & M.b", "exists M: M.a & M.b", vec!["X612"]),
        ("exists M: (M.a & M.b)", "exists M: M.a & M.b", vec![]),
        ("exists M: ((M.a & M.b))", "exists M: M.a & M.b", vec![]),
        ("(exists M: M.a) & b", "(exists M: M.a) & b", vec![]),
        ("a & exists M: M.a | M.b", "a & (exists M: M.a | M.b)", vec!["X612"]),
        ("exists M: (M.a) & (M.b)", "exists M: M.a & M.b", vec!["X612"]),
        ("forall M: not exists N: M.a = N.a", "forall M: not (exists N: M.a = N.a)", vec![]),
        ("forall M: M.a -> b", "forall M: M.a -> b", vec!["X612"]),
    ] {
        let codes: Vec<_> = codes.into_iter().map(str::to_owned).collect();
        assert_eq!(read(written), (Some(meant.to_owned()), codes), "{written}");
    }
}

#[test]
fn terms_are_read_with_their_types() {
    for (written, meant) in [
        ("obj.a.all() = None", "obj.a.all() = None"),
        ("\"a \\\" b\" in obj.a", "\"a \\\" b\" in obj.a"),
        ("a = -1 & b = +2 & c = 1.50", "a = -1 & b = 2 & c = 1.5"),
        ("*p(site) & *p(obj.site) & *p(obj)", "*p(obj.site) & *p(obj.site) & *p(obj)"),
        ("exists M: *p(M.site)", "exists M: *p(M.site)"),
        ("*p(ctx.user.site)", "*p(ctx.user.site)"),
        ("{{ a }} = {{b}}", "{{ a }} = {{ b }}"),
        ("ctx.write_access -> ctx.read_access", "ctx.write_access -> ctx.read_access"),
        ("a /* & b */ // | c\n & d", "a & d"),
        ("notes & inside & existsM", "notes & inside & existsM"),
    ] {
        assert_eq!(read(written), (Some(meant.to_owned()), vec![]), "{written}");
    }
}

#[test]
fn a_policy_with_an_error_is_none_and_reading_goes_on_in_it() {
    for (written, codes) in [
        ("", vec!["X010"]),
        ("a b & c d", vec!["X010", "X010"]),
        ("& | a", vec!["X010", "X010"]),
        ("(a & *p( | b", vec!["X010", "X010"]),
        ("exists: a | exists M a", vec!["X010", "X010"]),
        ("a = & b in", vec!["X010", "X010"]),
        ("obj. & obj.a", vec!["X010"]),
        ("in & not", vec!["X010", "X010"]),
        ("a = 'b'", vec!["X006"]),
        ("a % b", vec!["X003", "X010"]),
    ] {
        let codes: Vec<_> = codes.into_iter().map(str::to_owned).collect();
        let (expr, found) = read(written);
        assert_eq!(found, codes, "{written}");
        assert!(expr.is_none() || codes == ["X006"], "{written}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(read(&nested(MAX_DEPTH)).1, [""; 0]);
    assert_eq!(read(&nested(MAX_DEPTH + 1)), (None, vec!["X608".to_owned()]));
    for part in ["(", "not ", "a -> ", "exists M: "] {
        assert!(read(&part.repeat(100_000)).1.contains(&"X608".to_owned()), "{part}");
    }
    let long = format!("a{}", " & a".repeat(100_000));
    assert_eq!(read(&long).1, [""; 0]);
}
