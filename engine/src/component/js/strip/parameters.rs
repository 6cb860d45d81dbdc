//! Parameter properties: `constructor(private a) {}` is `constructor(a) {this.a = a;}`, behind `super()` where there is one.

use oxc_ast::ast::*;
use oxc_span::GetSpan;

use super::types::Types;

fn is_property(parameter: &FormalParameter) -> bool {
    parameter.accessibility.is_some() || parameter.readonly || parameter.r#override
}

impl<'t> Types<'t> {
    pub fn parameter_properties<'a>(&mut self, it: &MethodDefinition<'a>) {
        let Some(body) = it.value.body.as_ref().filter(|_| it.kind.is_constructor()) else { return };
        let mut set = String::new();
        for parameter in it.value.params.items.iter().filter(|parameter| is_property(parameter)) {
            self.blank(parameter.span.start, parameter.pattern.span().start);
            for id in parameter.pattern.get_binding_identifiers() {
                set += &format!("this.{0} = {0};", id.name);
            }
        }
        if set.is_empty() {
            return;
        }
        let behind = body.statements.iter().find(|statement| is_super(statement)).map(|it| it.span().end);
        let behind = behind.or(body.directives.last().map(|it| it.span.end)).map(|end| (end, format!(";{set}")));
        let (at, set) = behind.unwrap_or((body.span.start + 1, set));
        self.insert(at, set);
    }
}

fn is_super(statement: &Statement) -> bool {
    let Statement::ExpressionStatement(it) = statement else { return false };
    matches!(&it.expression, Expression::CallExpression(call) if matches!(call.callee, Expression::Super(_)))
}
