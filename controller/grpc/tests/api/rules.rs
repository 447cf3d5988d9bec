//! Where we differ from the original on purpose: each rule with models that show it.

use crate::oracle::{Files, Outcome, ours, theirs};

/// A rule, and models on which the compilers differ by it.
struct Case {
    rule: &'static str,
    files: &'static [&'static str],
    theirs: Expect,
    ours: Expect,
}

/// What a compiler makes of the models.
enum Expect {
    /// An API with this row.
    Row(&'static str),
    /// An API with no row that has this in it.
    Without(&'static str),
    /// An error with these words.
    Refusal(&'static str),
}

use Expect::{Refusal, Row, Without};

const CASES: &[Case] = &[
    Case {
        rule: "a state that says False is not set",
        files: &["message M { required string a = 2 [max_length = 9, feedback_state = False]; }"],
        theirs: Row("2\tstring\ta\t(val).maxLength = 9, (feedbackState) = true"),
        ours: Row("2\tstring\ta\t(val).maxLength = 9"),
    },
    Case {
        rule: "a gui_hidden that says False is not set",
        files: &["message M { required int32 a = 2 [gui_hidden = \"False\"]; }"],
        theirs: Row("2\tint32\ta\t(guiHidden) = true"),
        ours: Row("2\tint32\ta\t"),
    },
    Case {
        rule: "a max_length in quotes is a number",
        files: &["message M { required string a = 2 [max_length = \"9\"]; }"],
        theirs: Row("2\tstring\ta\t(val).maxLength = \"9\""),
        ours: Row("2\tstring\ta\t(val).maxLength = 9"),
    },
    Case {
        rule: "a field has one state",
        files: &["message M { required int32 a = 2 [feedback_state = True, bookkeeping_state = True]; }"],
        theirs: Row("2\tint32\ta\t(feedbackState) = true, (bookkeepingState) = true"),
        ours: Refusal("X409"),
    },
    Case {
        rule: "a package before a peer has no effect: the reverse link",
        files: &["message M { required manytoone a->core.M:b = 2:1001; }"],
        theirs: Without("b_ids"),
        ours: Row("1001\trepeated int32\tb_ids\t(reverseForeignKey).modelName = \"M\""),
    },
    Case {
        rule: "a package before a peer has no effect: the name of the model",
        files: &["message M { required manytoone a->core.M:b = 2:1001; }"],
        theirs: Row("2\tint32\ta_id\t(foreignKey).modelName = \"core.M\", (foreignKey).reverseFieldName = \"b\""),
        ours: Row("2\tint32\ta_id\t(foreignKey).modelName = \"M\", (foreignKey).reverseFieldName = \"b\""),
    },
    Case {
        rule: "a link without a peer port has no reverse link",
        files: &["message M { required manytoone a->M = 2; }"],
        theirs: Refusal("TypeError"),
        ours: Row("2\tint32\ta_id\t(foreignKey).modelName = \"M\""),
    },
    Case {
        rule: "onetomany is a link to many",
        files: &["message M { optional onetomany a->M:b = 2:1001; }"],
        theirs: Refusal("ParsingError"),
        ours: Row("2\trepeated int32\ta_ids\t(manyToManyForeignKey).modelName = \"M\""),
    },
    Case {
        rule: "a peer is known",
        files: &["message M { required manytoone a->Nobody:b = 2; }"],
        theirs: Row("2\tint32\ta_id\t(foreignKey).modelName = \"Nobody\", (foreignKey).reverseFieldName = \"b\""),
        ours: Refusal("X501"),
    },
    Case {
        rule: "a base is known",
        files: &["message M (Nobody) { required int32 a = 2; }"],
        theirs: Row("2\tint32\ta\t"),
        ours: Refusal("Nobody"),
    },
    Case {
        rule: "a base is inherited once: its fields would be there twice",
        files: &["message A (XOSBase) { required int32 x = 2; } message B (XOSBase) { required int32 y = 3; } \
                  message M (A, B) { required int32 a = 2; }"],
        theirs: Row("402\tint32\ta\t"),
        ours: Refusal("XOSBase"),
    },
    Case {
        rule: "a model needs no field of its own or of a base",
        files: &["message M {}"],
        theirs: Refusal("Model M has no fields"),
        ours: Row("1\tint32\tid\t"),
    },
    Case {
        rule: "of an option that is given twice the first one counts, on messages too",
        files: &["message M { option name = \"a\"; option name = \"b\"; required int32 a = 2; }"],
        theirs: Row("message\tM\tb.m"),
        ours: Row("message\tM\ta.m"),
    },
    Case {
        rule: "true is a value of a message's option",
        files: &["message M { option gui_hidden = true; required int32 a = 2; }"],
        theirs: Refusal("AttributeError"),
        ours: Row("2\tint32\ta\t"),
    },
    Case {
        rule: "a file option holds in its own file",
        files: &["option name = \"svc\";", "message M { required int32 a = 2; }"],
        theirs: Row("message\tM\tsvc.m"),
        ours: Row("message\tM\tlabel.m"),
    },
    Case {
        rule: "a file option holds for all messages of its file",
        files: &["message M { required int32 a = 2; } option name = \"svc\";"],
        theirs: Row("message\tM\tlabel.m"),
        ours: Row("message\tM\tsvc.m"),
    },
    Case {
        rule: "a comment ends with its file",
        files: &["message M { required int32 a = 2; } //", "message N { required int32 a = 2; }"],
        theirs: Without("message\tN\t"),
        ours: Row("message\tN\tlabel.n"),
    },
    Case {
        rule: "a policy may stand below the policy that calls it",
        files: &["policy a < *b(obj) > policy b < ctx.user.is_admin > message M::a { required int32 a = 2; }"],
        theirs: Refusal("MissingPolicyException"),
        ours: Row("2\tint32\ta\t"),
    },
    Case {
        rule: "a model's plural is another word",
        files: &["message Series { required int32 a = 2; }"],
        theirs: Row("rpc\tListSeries\tgoogle.protobuf.Empty\tSeries"),
        ours: Refusal("X208"),
    },
    Case {
        rule: "a message is not called like one of XOS's own",
        files: &["message Query { required int32 a = 2; }"],
        theirs: Row("rpc\tFilterQuery\tQuery\tQuerys"),
        ours: Refusal("`Query`, the message for an object of `Query`"),
    },
    Case {
        rule: "a field has one value",
        files: &["message M { repeated int32 a = 2; }"],
        theirs: Row("2\tint32\ta\t"),
        ours: Refusal("repeated"),
    },
    Case {
        rule: "the types are those that XOS's models can have",
        files: &["message M { required int64 a = 2; }"],
        theirs: Row("2\tint64\ta\t"),
        ours: Refusal("int64"),
    },
    Case {
        rule: "no model's name is special",
        files: &["message CordSubscriberRoot { required int32 a = 2; }"],
        theirs: Row("message\tCordSubscriberRoot\trcord.cordsubscriberroot"),
        ours: Row("message\tCordSubscriberRoot\tlabel.cordsubscriberroot"),
    },
];

impl Case {
    fn files(&self) -> Files {
        let text = |text: &str| format!("option app_label = \"label\"; {text}");
        self.files.iter().enumerate().map(|(at, file)| (format!("{at}.xproto"), text(file))).collect()
    }
}

impl Expect {
    fn is_met(&self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Row(row), Ok(rows)) => rows.iter().any(|there| there == row),
            (Without(part), Ok(rows)) => !rows.iter().any(|there| there.contains(part)),
            (Refusal(words), Err(why)) => why.contains(words),
            (Row(_) | Without(_), Err(_)) | (Refusal(_), Ok(_)) => false,
        }
    }
}

#[test]
fn each_difference_has_a_rule() {
    let files: Vec<_> = CASES.iter().map(Case::files).collect();
    for ((case, files), theirs) in CASES.iter().zip(&files).zip(theirs(&files)) {
        let ours = ours(files);
        assert!(case.theirs.is_met(&theirs), "{}: the original makes {theirs:#?}", case.rule);
        assert!(case.ours.is_met(&ours), "{}: we make {ours:#?}", case.rule);
        assert!(!case.ours.is_met(&theirs), "{}: there is no difference", case.rule);
    }
}
