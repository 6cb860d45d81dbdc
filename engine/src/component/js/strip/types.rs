//! Finds what only types have.

use std::collections::BTreeSet;

use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};

use super::{Import, Stripped};

const MODIFIERS: [&str; 7] = ["public", "private", "protected", "readonly", "override", "abstract", "declare"];

/// What is blanked, and what is imported.
pub struct Types<'t> {
    text: &'t str,
    typed: bool,
    blanks: Vec<Blank>,
    imports: Vec<Import>,
    /// Specifiers of imports, which go if nothing but types uses them.
    specifiers: Vec<Vec<(String, Span)>>,
    /// Where those stand.
    statements: Vec<(Span, Import)>,
    used: BTreeSet<String>,
    wrong: Option<(Span, String)>,
}

struct Blank {
    span: Span,
    /// What is put at its beginning: a statement leaves a semicolon, so that those around it stay two.
    first: u8,
}

impl<'t> Types<'t> {
    pub fn new(text: &'t str, typed: bool) -> Self {
        let (blanks, imports, used) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { text, typed, blanks, imports, specifiers: Vec::new(), statements: Vec::new(), used, wrong: None }
    }

    /// The module, or where something stands that isn't only a type.
    pub fn finish(mut self) -> Result<Stripped, (Span, String)> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        for (at, (statement, import)) in std::mem::take(&mut self.statements).into_iter().enumerate() {
            let names = std::mem::take(&mut self.specifiers[at]);
            let unused: Vec<_> = names.iter().filter(|(name, _)| self.typed && !self.used.contains(name)).collect();
            if !names.is_empty() && unused.len() == names.len() {
                self.statement(statement);
                continue;
            }
            unused.into_iter().for_each(|(_, span)| self.listed(*span));
            self.imports.push(import);
        }
        let mut out = self.text.as_bytes().to_vec();
        for Blank { span, first } in &self.blanks {
            let range = span.start as usize..span.end as usize;
            out[range.clone()]
                .iter_mut()
                .filter(|byte| **byte != b'\n' && **byte != b'\r')
                .for_each(|byte| *byte = b' ');
            if *first != b' ' && !range.is_empty() {
                out[range.start] = *first;
            }
        }
        let source =
            String::from_utf8(out).map_err(|_| (Span::new(0, 0), "types end within a character".to_owned()))?;
        Ok(Stripped { source, imports: self.imports })
    }

    fn blank(&mut self, start: u32, end: u32) {
        self.blanks.push(Blank { span: Span::new(start, end), first: b' ' });
    }

    fn statement(&mut self, span: Span) {
        self.blanks.push(Blank { span, first: b';' });
    }

    /// One of a list, with the comma behind it.
    fn listed(&mut self, span: Span) {
        let behind = self.text[span.end as usize..].trim_start();
        let comma = self.text.len() - behind.len();
        let end = if behind.starts_with(',') { u32::try_from(comma + 1).unwrap_or(span.end) } else { span.end };
        self.blank(span.start, end);
    }

    /// The first such character between two places.
    fn mark(&mut self, mark: char, start: u32, end: u32) {
        if let Some(at) = self.text.get(start as usize..end as usize).and_then(|between| between.find(mark)) {
            let at = start + u32::try_from(at).unwrap_or(0);
            self.blank(at, at + 1);
        }
    }

    /// Words before a member's name.
    fn modifiers(&mut self, start: u32, end: u32) {
        let Some(before) = self.text.get(start as usize..end as usize) else { return };
        let (mut at, mut found) = (0, Vec::new());
        for word in before.split(|c: char| !c.is_ascii_alphabetic()) {
            if MODIFIERS.contains(&word) {
                found.push((at, at + word.len()));
            }
            at += word.len() + 1;
        }
        for (from, to) in found {
            let span = Span::new(start + u32::try_from(from).unwrap_or(0), start + u32::try_from(to).unwrap_or(0));
            let first = if from == 0 { b';' } else { b' ' };
            self.blanks.push(Blank { span, first });
        }
    }

    fn refuse(&mut self, span: Span, what: &str) {
        self.wrong.get_or_insert_with(|| (span, what.to_owned()));
    }

    /// Whether a declaration is only for types, as those with `declare` and heads of overloaded functions are.
    fn is_only_types(declaration: &Declaration) -> bool {
        match declaration {
            Declaration::VariableDeclaration(it) => it.declare,
            Declaration::FunctionDeclaration(it) => it.declare || it.body.is_none(),
            Declaration::ClassDeclaration(it) => it.declare,
            Declaration::TSEnumDeclaration(it) => it.declare,
            Declaration::TSNamespaceDeclaration(it) => it.declare,
            Declaration::TSImportEqualsDeclaration(_) => false,
            _ => true,
        }
    }

    fn import(&mut self, source: &StringLiteral) {
        self.imports.push(Import { specifier: source.value.to_string(), start: source.span.start });
    }
}

impl<'a> Visit<'a> for Types<'_> {
    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        self.used.insert(it.name.to_string());
    }

    fn visit_statement(&mut self, it: &Statement<'a>) {
        match it.as_declaration() {
            Some(declaration) if Self::is_only_types(declaration) => self.statement(it.span()),
            _ => walk::walk_statement(self, it),
        }
    }

    fn visit_export_declaration(&mut self, it: &ExportDeclaration<'a>) {
        if Self::is_only_types(&it.declaration) {
            self.statement(it.span);
        } else {
            walk::walk_export_declaration(self, it);
        }
    }

    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        if it.import_kind.is_type() {
            return self.statement(it.span);
        }
        let mut names = Vec::new();
        for specifier in it.specifiers.iter().flatten() {
            let is_type =
                matches!(specifier, ImportDeclarationSpecifier::ImportSpecifier(it) if it.import_kind.is_type());
            // No name is the empty one, so nothing uses it.
            let name = if is_type { String::new() } else { specifier.local().name.to_string() };
            names.push((name, specifier.span()));
        }
        self.specifiers.push(names);
        let import = Import { specifier: it.source.value.to_string(), start: it.source.span.start };
        self.statements.push((it.span, import));
    }

    fn visit_export_named_declaration(&mut self, it: &ExportNamedDeclaration<'a>) {
        if it.export_kind.is_type() {
            return self.statement(it.span);
        }
        for specifier in &it.specifiers {
            if specifier.export_kind.is_type() {
                self.listed(specifier.span);
            } else {
                self.used.insert(specifier.local.name().to_string());
            }
        }
    }

    fn visit_export_from_declaration(&mut self, it: &ExportFromDeclaration<'a>) {
        if it.export_kind.is_type() {
            return self.statement(it.span);
        }
        it.specifiers.iter().filter(|it| it.export_kind.is_type()).for_each(|it| self.listed(it.span));
        self.import(&it.source);
    }

    fn visit_export_all_declaration(&mut self, it: &ExportAllDeclaration<'a>) {
        if it.export_kind.is_type() { self.statement(it.span) } else { self.import(&it.source) }
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        match &it.source {
            Expression::StringLiteral(source) => self.import(source),
            _ => walk::walk_import_expression(self, it),
        }
    }

    fn visit_ts_type_annotation(&mut self, it: &TSTypeAnnotation<'a>) {
        self.blank(it.span.start, it.span.end);
    }

    fn visit_ts_type_parameter_declaration(&mut self, it: &TSTypeParameterDeclaration<'a>) {
        self.blank(it.span.start, it.span.end);
    }

    fn visit_ts_type_parameter_instantiation(&mut self, it: &TSTypeParameterInstantiation<'a>) {
        self.blank(it.span.start, it.span.end);
    }

    fn visit_ts_this_parameter(&mut self, it: &TSThisParameter<'a>) {
        self.listed(it.span);
    }

    fn visit_ts_as_expression(&mut self, it: &TSAsExpression<'a>) {
        self.visit_expression(&it.expression);
        self.blank(it.expression.span().end, it.span.end);
    }

    fn visit_ts_satisfies_expression(&mut self, it: &TSSatisfiesExpression<'a>) {
        self.visit_expression(&it.expression);
        self.blank(it.expression.span().end, it.span.end);
    }

    fn visit_ts_non_null_expression(&mut self, it: &TSNonNullExpression<'a>) {
        self.visit_expression(&it.expression);
        self.blank(it.expression.span().end, it.span.end);
    }

    fn visit_ts_type_assertion(&mut self, it: &TSTypeAssertion<'a>) {
        self.blank(it.span.start, it.expression.span().start);
        self.visit_expression(&it.expression);
    }

    fn visit_ts_enum_declaration(&mut self, it: &TSEnumDeclaration<'a>) {
        self.refuse(it.span, "an enum is more than a type: write `const Name = { A: 0, B: 1 } as const`");
    }

    fn visit_ts_namespace_declaration(&mut self, it: &TSNamespaceDeclaration<'a>) {
        self.refuse(it.span, "a namespace is more than a type: write a module of its own");
    }

    fn visit_ts_import_equals_declaration(&mut self, it: &TSImportEqualsDeclaration<'a>) {
        self.refuse(it.span, "write `import name from \"module\"` instead");
    }

    fn visit_ts_export_assignment(&mut self, it: &TSExportAssignment<'a>) {
        self.refuse(it.span, "write `export default` instead");
    }

    fn visit_decorator(&mut self, it: &Decorator<'a>) {
        self.refuse(it.span, "decorators are not JavaScript yet: call the function yourself");
    }

    fn visit_arrow_function_expression(&mut self, it: &ArrowFunctionExpression<'a>) {
        walk::walk_arrow_function_expression(self, it);
        // `) : {` and `} =>` on two lines: no line may end between the parenthesis and the arrow, so it moves down.
        if let Some(returned) = &it.return_type
            && self.text[returned.span.start as usize..returned.span.end as usize].contains('\n')
        {
            self.blank(it.params.span.end - 1, it.params.span.end);
            self.blanks.push(Blank { span: Span::new(returned.span.end - 1, returned.span.end), first: b')' });
        }
    }

    fn visit_class(&mut self, it: &Class<'a>) {
        if it.r#abstract {
            self.modifiers(it.span.start, it.id.as_ref().map_or(it.body.span.start, |id| id.span.start));
        }
        if let (Some(first), Some(last)) = (it.implements.first(), it.implements.last()) {
            let before = self.text.get(..first.span.start as usize).and_then(|before| before.rfind("implements"));
            let start = before.map_or(first.span.start, |at| u32::try_from(at).unwrap_or(first.span.start));
            self.blank(start, last.span.end);
        }
        walk::walk_class(self, it);
    }

    fn visit_class_element(&mut self, it: &ClassElement<'a>) {
        let only_types = match it {
            ClassElement::TSIndexSignature(_) => true,
            ClassElement::MethodDefinition(it) => it.value.body.is_none(),
            ClassElement::PropertyDefinition(it) => it.declare || it.r#type.is_abstract(),
            _ => false,
        };
        if only_types { self.statement(it.span()) } else { walk::walk_class_element(self, it) }
    }

    fn visit_method_definition(&mut self, it: &MethodDefinition<'a>) {
        self.modifiers(it.span.start, it.key.span().start);
        if it.optional {
            self.mark('?', it.key.span().end, it.value.params.span.start);
        }
        walk::walk_method_definition(self, it);
    }

    fn visit_property_definition(&mut self, it: &PropertyDefinition<'a>) {
        self.modifiers(it.span.start, it.key.span().start);
        let typed = it.type_annotation.as_ref().map(|typed| typed.span.start);
        let end = typed.or(it.value.as_ref().map(|value| value.span().start)).unwrap_or(it.span.end);
        if it.optional || it.definite {
            self.mark(if it.optional { '?' } else { '!' }, it.key.span().end, end);
        }
        walk::walk_property_definition(self, it);
    }

    fn visit_formal_parameter(&mut self, it: &FormalParameter<'a>) {
        if it.accessibility.is_some() || it.readonly || it.r#override {
            self.refuse(it.span, "a parameter property is more than a type: declare the field and assign it");
        }
        if it.optional {
            let end = it.type_annotation.as_ref().map_or(it.span.end, |typed| typed.span.start);
            self.mark('?', it.pattern.span().end, end);
        }
        walk::walk_formal_parameter(self, it);
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if it.definite {
            let end = it.type_annotation.as_ref().map_or(it.span.end, |typed| typed.span.start);
            self.mark('!', it.id.span().end, end);
        }
        walk::walk_variable_declarator(self, it);
    }
}
