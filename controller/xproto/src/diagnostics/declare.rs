//! One declaration for each diagnostic: its code, level, manual, message and help.

/// Declares an enum of diagnostics: every variant with its code, level, manual, message and help.
///
/// The doc comment of a variant is its manual. It ends with a short example in a `proto` block, if there is one. Then
/// follow the code, the [`Level`](crate::diagnostics::Level), the name and the fields of the variant, and in this order
///
/// - `message(…)`: one sentence that says what is wrong, with arguments as in thiserror's `#[error(…)]`;
/// - `level(…)`: an expression for the level, where it depends on the fields;
/// - `suggest(…)`: an expression of type `Option<String>`, for a help that is not always known;
/// - `help(…)`: how to fix it, with arguments as in [`format!`]; used where `suggest` is left out or gives `None`.
///
/// ```
/// use xos_xproto::diagnostics::Declared;
///
/// xos_xproto::declare_diagnostics! {
///     /// What can be wrong with a lamp.
///     pub enum LampError;
///
///     /// The lamp is off. Switch it on.
///     L001 Warning Off { switch: String } => {
///         message("the lamp is off");
///         help("press `{switch}`");
///     }
/// }
///
/// let off = LampError::Off { switch: "A".to_owned() };
/// assert_eq!(off.to_string(), "the lamp is off");
/// assert_eq!(off.help().as_deref(), Some("press `A`"));
/// assert_eq!(off.explanation().code.as_str(), "L001");
/// assert_eq!(off.explanation().text(), "The lamp is off. Switch it on.");
/// assert_eq!(off.explanation().message(), "the lamp is off");
/// assert_eq!(LampError::EXPLANATIONS.len(), 1);
/// ```
#[macro_export]
macro_rules! declare_diagnostics {
    (@explanation $code:ident $level:ident $message:literal $($manual:literal)+) => {
        $crate::diagnostics::Explanation::new(
            stringify!($code),
            $crate::diagnostics::Level::$level,
            $message,
            &[$($manual),+],
        )
    };
    (
        $(#[$attribute:meta])*
        pub enum $name:ident;
        $(
            $(#[doc = $manual:literal])+
            $code:ident $level:ident $variant:ident $({ $($field:ident: $type:ty),+ $(,)? })? => {
                message($message:literal $(, $($argument:tt)+)?);
                $(level($exact_level:expr);)?
                $(suggest($suggestion:expr);)?
                $(help($($help:tt)+);)?
            }
        )+
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        #[allow(missing_docs, reason = "the variants are documented, and the names of their fields say enough")]
        pub enum $name {
            $(
                #[doc = concat!("`", stringify!($code), "`:")]
                $(#[doc = $manual])+
                #[error($message $(, $($argument)+)?)]
                $variant $({ $($field: $type),+ })?,
            )+
        }

        impl $name {
            /// What each code means.
            pub const EXPLANATIONS: &'static [$crate::diagnostics::Explanation] =
                &[$($crate::declare_diagnostics!(@explanation $code $level $message $($manual)+)),+];
        }

        impl $crate::diagnostics::Declared for $name {
            fn explanation(&self) -> &'static $crate::diagnostics::Explanation {
                match self {
                    $(Self::$variant { .. } => {
                        const { &$crate::declare_diagnostics!(@explanation $code $level $message $($manual)+) }
                    })+
                }
            }

            #[allow(unused_variables, reason = "few messages need all fields")]
            fn level(&self) -> $crate::diagnostics::Level {
                match self {
                    $(Self::$variant $({ $($field),+ })? => {
                        let level = $crate::diagnostics::Level::$level;
                        $(let level = $exact_level;)?
                        level
                    })+
                }
            }

            #[allow(unused_variables, reason = "few helps need all fields")]
            fn help(&self) -> Option<String> {
                match self {
                    $(Self::$variant $({ $($field),+ })? => {
                        let help: Option<String> = None;
                        $(let help = $suggestion;)?
                        $(let help = help.or_else(|| Some(format!($($help)+)));)?
                        help
                    })+
                }
            }
        }
    };
}
