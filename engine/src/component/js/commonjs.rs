//! CommonJS: what a module requires, which names it exports, and the ES module that stands for it where it is imported.

use std::collections::{BTreeMap, BTreeSet};

use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};

/// Words without which a module has nothing of CommonJS.
const WORDS: [&str; 3] = ["require", "module", "exports"];
/// Where `sdk/js/engine` finds them.
const RUNTIME: &str = "@mite/sdk/commonjs";

/// Whether a text may be such a module.
pub fn is_likely(text: &str) -> bool {
    WORDS.iter().any(|word| text.contains(word))
}

/// What a module has of CommonJS.
#[derive(Debug, Default)]
pub struct CommonJs {
    pub requires: Vec<Require>,
    /// The names that it seems to export, as Node finds them.
    pub names: BTreeSet<String>,
    /// Specifiers of the modules whose exports are its own too.
    pub all_of: BTreeSet<String>,
    /// Functions, `if`s and `try`s around.
    depth: u32,
}

#[derive(Debug)]
pub struct Require {
    pub specifier: String,
    /// Where it stands, in bytes.
    pub start: u32,
    /// Whether it is called whenever the module is.
    pub is_certain: bool,
}

impl CommonJs {
    pub fn of(program: &Program<'_>) -> Self {
        let mut found = Self::default();
        found.visit_program(program);
        found
    }

    fn within(&mut self, walk: impl FnOnce(&mut Self)) {
        self.depth += 1;
        walk(self);
        self.depth -= 1;
    }

    fn assigned(&mut self, to: &AssignmentTarget<'_>, value: &Expression<'_>) {
        let name = match to {
            AssignmentTarget::StaticMemberExpression(it) if is_exports(&it.object) => Some(it.property.name.as_str()),
            AssignmentTarget::ComputedMemberExpression(it) if is_exports(&it.object) => text(&it.expression),
            AssignmentTarget::StaticMemberExpression(it)
                if is_module_exports(&it.object, it.property.name.as_str()) =>
            {
                return self.all(value);
            }
            AssignmentTarget::AssignmentTargetIdentifier(it) if it.name == "exports" => return self.all(value),
            _ => None,
        };
        self.names.extend(name.map(str::to_owned));
    }

    /// What a value has that becomes all the exports.
    fn all(&mut self, value: &Expression<'_>) {
        match value {
            Expression::ObjectExpression(it) => {
                for property in &it.properties {
                    match property {
                        ObjectPropertyKind::ObjectProperty(it) => {
                            self.names.extend(it.key.static_name().map(String::from));
                        }
                        ObjectPropertyKind::SpreadProperty(it) => self.all_of.extend(required(&it.argument)),
                    }
                }
            }
            value => self.all_of.extend(required(value)),
        }
    }
}

fn text<'e>(value: &'e Expression<'_>) -> Option<&'e str> {
    match value {
        Expression::StringLiteral(it) => Some(it.value.as_str()),
        _ => None,
    }
}

fn is_module_exports(object: &Expression<'_>, property: &str) -> bool {
    object.is_specific_id("module") && property == "exports"
}

/// `exports` or `module.exports`.
fn is_exports(value: &Expression<'_>) -> bool {
    match value {
        Expression::StaticMemberExpression(it) => is_module_exports(&it.object, it.property.name.as_str()),
        value => value.is_specific_id("exports"),
    }
}

/// What `require("..")` asks for.
fn required(value: &Expression<'_>) -> Option<String> {
    match value {
        Expression::CallExpression(it) if it.callee.is_specific_id("require") => {
            it.arguments.first().and_then(Argument::as_expression).and_then(text).map(str::to_owned)
        }
        _ => None,
    }
}

impl<'a> Visit<'a> for CommonJs {
    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        let arguments: Vec<_> = it.arguments.iter().filter_map(Argument::as_expression).collect();
        let callee = match &it.callee {
            Expression::Identifier(it) => it.name.as_str(),
            Expression::StaticMemberExpression(it) => it.property.name.as_str(),
            _ => "",
        };
        match (callee, arguments.as_slice()) {
            ("require", [Expression::StringLiteral(specifier)]) if it.callee.is_specific_id("require") => {
                let (start, is_certain) = (specifier.span.start, self.depth == 0);
                self.requires.push(Require { specifier: specifier.value.to_string(), start, is_certain });
            }
            ("__exportStar" | "__export", [from, ..]) => self.all_of.extend(required(from)),
            ("defineProperty", [of, name, ..]) if is_exports(of) => self.names.extend(text(name).map(str::to_owned)),
            _ => {}
        }
        walk::walk_call_expression(self, it);
    }

    fn visit_assignment_expression(&mut self, it: &AssignmentExpression<'a>) {
        self.assigned(&it.left, &it.right);
        walk::walk_assignment_expression(self, it);
    }

    fn visit_function_body(&mut self, it: &FunctionBody<'a>) {
        self.within(|found| walk::walk_function_body(found, it));
    }

    fn visit_try_statement(&mut self, it: &TryStatement<'a>) {
        self.within(|found| walk::walk_try_statement(found, it));
    }

    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        self.within(|found| walk::walk_if_statement(found, it));
    }

    fn visit_conditional_expression(&mut self, it: &ConditionalExpression<'a>) {
        self.within(|found| walk::walk_conditional_expression(found, it));
    }

    fn visit_logical_expression(&mut self, it: &LogicalExpression<'a>) {
        self.within(|found| walk::walk_logical_expression(found, it));
    }
}

/// What all ES modules of a script import of a module.
#[derive(Debug, Default)]
pub struct Imported {
    /// Names, each with the place where it is asked for first.
    pub names: BTreeMap<String, String>,
    /// Names of which nobody minds if they aren't there.
    pub loose: BTreeSet<String>,
    /// Whether whatever there is is wanted.
    pub all: bool,
}

/// The ES module that gives what a module of CommonJS exports: all of it as `default`, and names.
pub fn facade(module: &str, imported: &Imported) -> String {
    let mut out = format!(
        "import {{ named, required }} from {RUNTIME:?}; const all = required({}); export {{ all as default }};",
        quoted(module)
    );
    let asked = imported.names.iter().map(|(name, place)| (name, quoted(place)));
    let loose =
        imported.loose.iter().filter(|name| !imported.names.contains_key(*name)).map(|name| (name, "null".to_owned()));
    for (at, (name, place)) in asked.chain(loose).filter(|(name, _)| *name != "default").enumerate() {
        let key = quoted(name);
        out +=
            &format!(" const it{at} = named(all, {key}, {}, {place}); export {{ it{at} as {key} }};", quoted(module));
    }
    out
}

fn quoted(text: &str) -> String {
    // A string can always be written.
    serde_json::to_string(text).unwrap_or_default()
}
