//! Enums, as functions that fill an object: `enum A { B }` is `var A = ((A) => { A[A["B"] = 0] = "B"; return A; })(A || {});`. What
//! an initializer says stays where it stood.

use std::collections::BTreeSet;

use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};

use super::types::Types;

impl<'t> Types<'t> {
    /// `start`: where its statement begins. `outer`: the namespace that exports it.
    pub fn enumeration<'a>(&mut self, it: &TSEnumDeclaration<'a>, start: u32, outer: Option<&str>) {
        let name = it.id.name.as_str();
        self.begin_object(name, Span::new(start, it.body.span.start + 1));
        let mut before = None;
        for (at, member) in it.body.members.iter().enumerate() {
            let key = quoted(&member.id.static_name());
            let until = it.body.members.get(at + 1).map_or(it.body.span.end - 1, |next| next.span.start);
            match &member.initializer {
                None => {
                    let value = match &before {
                        None => "0".to_owned(),
                        Some((_, true)) => {
                            let what = "a member of an enum that comes after a text needs a value of its own";
                            return self.refuse(member.span, what);
                        }
                        Some((key, false)) => format!("{name}[{key}] + 1"),
                    };
                    self.blank(member.span.start, until);
                    self.insert(member.span.start, format!("{name}[{name}[{key}] = {value}] = {key};"));
                }
                Some(value) => self.initialized(name, &key, value, Span::new(member.span.start, until)),
            }
            before = Some((key, member.initializer.as_ref().is_some_and(is_text)));
            self.members.entry(name.to_owned()).or_default().insert(member.id.static_name().to_string());
        }
        self.end_object(name, it.body.span.end, outer);
    }

    /// A member with a value, which is known to be a number or a text only when it is there.
    fn initialized<'a>(&mut self, name: &str, key: &str, value: &Expression<'a>, member: Span) {
        self.blank(member.start, value.span().start);
        self.blank(value.span().end, member.end);
        let (first, last) = match value {
            _ if is_text(value) => (format!("{name}[{key}] = "), ";".to_owned()),
            Expression::NumericLiteral(_) => (format!("{name}[{name}[{key}] = "), format!("] = {key};")),
            _ => {
                let set = format!("typeof ({name}[{key}] = it) === \"string\" || ({name}[it] = {key})");
                (format!("((it) => {set})("), ");".to_owned())
            }
        };
        self.insert(member.start, first);
        self.visit_expression(value);
        let mut earlier = Earlier { of: self.members.get(name).cloned().unwrap_or_default(), found: Vec::new() };
        earlier.visit_expression(value);
        earlier.found.into_iter().for_each(|at| self.insert(at, format!("{name}.")));
        self.insert(value.span().end, last);
    }

    /// From the beginning of a declaration to its brace: `var A = ((A) => {`. What was declared by that name before is added to.
    pub fn begin_object(&mut self, name: &str, head: Span) {
        self.blank(head.start, head.end);
        let first = self.declare(name);
        self.insert(
            head.start,
            format!("{}(({name}) => {{", if first { format!("var {name} = ") } else { ";".to_owned() }),
        );
        self.firsts.push(first);
    }

    /// Its closing brace, the last character before `end`.
    pub fn end_object(&mut self, name: &str, end: u32, outer: Option<&str>) {
        self.blank(end - 1, end);
        self.close_object(name, end, outer);
    }

    /// The same where there is no brace.
    pub fn close_object(&mut self, name: &str, end: u32, outer: Option<&str>) {
        let of = match outer {
            _ if self.firsts.pop() == Some(false) => name.to_owned(),
            Some(outer) => format!("{outer}.{name} || ({outer}.{name} = {{}})"),
            None => format!("{name} || {{}}"),
        };
        self.insert(end, format!("return {name}; }})({of});"));
    }
}

/// A text of JavaScript.
pub fn quoted(text: &str) -> String {
    // A string can always be written.
    serde_json::to_string(text).unwrap_or_default()
}

fn is_text(value: &Expression) -> bool {
    match value {
        Expression::StringLiteral(_) | Expression::TemplateLiteral(_) => true,
        Expression::ParenthesizedExpression(it) => is_text(&it.expression),
        Expression::BinaryExpression(it) => {
            it.operator == BinaryOperator::Addition && (is_text(&it.left) || is_text(&it.right))
        }
        _ => false,
    }
}

/// Where members that were declared before are meant by their names alone.
struct Earlier {
    of: BTreeSet<String>,
    found: Vec<u32>,
}

impl<'a> Visit<'a> for Earlier {
    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        if self.of.contains(it.name.as_str()) {
            self.found.push(it.span.start);
        }
    }

    fn visit_object_property(&mut self, it: &ObjectProperty<'a>) {
        // `{ A }` would need a name of its own; nothing but texts and numbers are values of enums.
        if !it.shorthand {
            walk::walk_object_property(self, it);
        }
    }
}
