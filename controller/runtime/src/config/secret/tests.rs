use super::Secret;

#[test]
fn debug_does_not_show_it() {
    let secret = Secret::new("letmein");
    assert_eq!(format!("{secret:?}"), "Secret(…)");
    assert_eq!(secret.expose(), "letmein");
}
