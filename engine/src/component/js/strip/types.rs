//! Finds what only types have, and what TypeScript has of its own.

use std::collections::{BTreeMap, BTreeSet};

use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};

use super::edits::Blank;
use super::{Import, Wanted};

/// What is blanked, and what is imported.
pub struct Types<'t> {
    pub text: &'t str,
    typed: bool,
    pub blanks: Vec<Blank>,
    imports: Vec<Import>,
    /// Specifiers of imports, which go if nothing but types uses them.
    specifiers: Vec<Vec<Specifier>>,
    /// Where those stand.
    statements: Vec<(Span, Import)>,
    used: BTreeSet<String>,
    /// What is asked for of names, as `b` in `a.b`.
    asked: BTreeMap<String, BTreeSet<String>>,
    /// What is put in, and before which byte.
    pub inserts: Vec<(u32, String)>,
    /// What each scope around has declared of what may be declared again.
    pub scopes: Vec<BTreeSet<String>>,
    /// Of the enums and namespaces around, whether they are the first of their name.
    pub firsts: Vec<bool>,
    /// Members of enums.
    pub members: BTreeMap<String, BTreeSet<String>>,
    /// What namespaces export, and whether it can change.
    pub exports: BTreeMap<String, BTreeMap<String, bool>>,
    wrong: Option<(Span, String)>,
}

/// One of an import.
struct Specifier {
    /// No name is the empty one: nothing uses it.
    local: String,
    span: Span,
    of: Of,
}

/// What of a module.
enum Of {
    Default,
    All,
    Name(String),
}

impl<'t> Types<'t> {
    pub fn new(text: &'t str, typed: bool) -> Self {
        Self {
            text,
            typed,
            blanks: Vec::new(),
            imports: Vec::new(),
            specifiers: Vec::new(),
            statements: Vec::new(),
            used: BTreeSet::new(),
            asked: BTreeMap::new(),
            inserts: Vec::new(),
            scopes: vec![BTreeSet::new()],
            firsts: Vec::new(),
            members: BTreeMap::new(),
            exports: BTreeMap::new(),
            wrong: None,
        }
    }

    /// The module, or where something stands that isn't only a type.
    pub fn finish(mut self) -> Result<(String, Vec<Import>), (Span, String)> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        for (at, (statement, mut import)) in std::mem::take(&mut self.statements).into_iter().enumerate() {
            let names = std::mem::take(&mut self.specifiers[at]);
            let any = !names.is_empty();
            let (unused, used): (Vec<_>, Vec<_>) =
                names.into_iter().partition(|it| self.typed && !self.used.contains(&it.local));
            if any && used.is_empty() {
                self.statement(statement);
                continue;
            }
            unused.into_iter().for_each(|it| self.listed(it.span));
            for Specifier { local, span, of } in used {
                match of {
                    Of::Default => {}
                    Of::Name(name) => import.wanted.name(name, span.start),
                    Of::All => import.wanted.all(self.asked.get(&local)),
                }
            }
            self.imports.push(import);
        }
        let source = self.edited()?;
        Ok((source, self.imports))
    }

    /// Notes a name; false: this scope has it already.
    pub fn declare(&mut self, name: &str) -> bool {
        self.scopes.last_mut().is_none_or(|scope| scope.insert(name.to_owned()))
    }

    pub fn refuse(&mut self, span: Span, what: &str) {
        self.wrong.get_or_insert_with(|| (span, what.to_owned()));
    }

    fn declared(&mut self, id: Option<&BindingIdentifier>) {
        if let Some(id) = id {
            self.declare(&id.name);
        }
    }

    /// Whether a declaration is only for types, as those with `declare` and heads of overloaded functions are.
    pub fn is_only_types(declaration: &Declaration) -> bool {
        match declaration {
            Declaration::VariableDeclaration(it) => it.declare,
            Declaration::FunctionDeclaration(it) => it.declare || it.body.is_none(),
            Declaration::ClassDeclaration(it) => it.declare,
            Declaration::TSEnumDeclaration(it) => it.declare,
            Declaration::TSNamespaceDeclaration(it) => it.declare || Self::has_only_types(&it.body),
            Declaration::TSImportEqualsDeclaration(_) => false,
            _ => true,
        }
    }

    fn has_only_types(body: &TSNamespaceDeclarationBody) -> bool {
        match body {
            TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => Self::has_only_types(&inner.body),
            TSNamespaceDeclarationBody::TSModuleBlock(block) => block.body.iter().all(|statement| match statement {
                Statement::ExportDeclaration(it) => Self::is_only_types(&it.declaration),
                statement => statement.as_declaration().is_some_and(Self::is_only_types),
            }),
        }
    }

    fn import(&mut self, source: &StringLiteral, wanted: Wanted) {
        self.imports.push(Import { specifier: source.value.to_string(), start: source.span.start, wanted });
    }
}

impl<'a> Visit<'a> for Types<'_> {
    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        self.used.insert(it.name.to_string());
    }

    fn visit_static_member_expression(&mut self, it: &StaticMemberExpression<'a>) {
        match &it.object {
            Expression::Identifier(object) => {
                self.asked.entry(object.name.to_string()).or_default().insert(it.property.name.to_string());
            }
            // As bundlers have it: packages ask for it.
            Expression::StaticMemberExpression(inner)
                if it.property.name == "NODE_ENV"
                    && inner.property.name == "env"
                    && inner.object.is_specific_id("process") =>
            {
                return self.replace(it.span, "\"production\"");
            }
            _ => {}
        }
        walk::walk_static_member_expression(self, it);
    }

    fn visit_statement(&mut self, it: &Statement<'a>) {
        match it.as_declaration() {
            Some(declaration) if Self::is_only_types(declaration) => self.statement(it.span()),
            Some(declaration) => self.visit_declaration(declaration),
            None => walk::walk_statement(self, it),
        }
    }

    fn visit_export_declaration(&mut self, it: &ExportDeclaration<'a>) {
        let name = match &it.declaration {
            declaration if Self::is_only_types(declaration) => return self.statement(it.span),
            Declaration::TSEnumDeclaration(inner) => &inner.id.name,
            Declaration::TSNamespaceDeclaration(inner) => &inner.id.name,
            _ => return walk::walk_export_declaration(self, it),
        };
        // What is declared again is exported already.
        if self.scopes.last().is_some_and(|scope| scope.contains(name.as_str())) {
            self.blank(it.span.start, it.declaration.span().start);
        }
        self.visit_declaration(&it.declaration);
    }

    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        if it.import_kind.is_type() {
            return self.statement(it.span);
        }
        let mut names = Vec::new();
        for specifier in it.specifiers.iter().flatten() {
            let (is_type, of) = match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(it) => {
                    (it.import_kind.is_type(), Of::Name(it.imported.name().to_string()))
                }
                ImportDeclarationSpecifier::ImportDefaultSpecifier(_) => (false, Of::Default),
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => (false, Of::All),
            };
            let local = if is_type { String::new() } else { specifier.local().name.to_string() };
            names.push(Specifier { local, span: specifier.span(), of });
        }
        self.specifiers.push(names);
        let (specifier, start) = (it.source.value.to_string(), it.source.span.start);
        self.statements.push((it.span, Import { specifier, start, wanted: Wanted::default() }));
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
        let mut wanted = Wanted::default();
        for specifier in &it.specifiers {
            match specifier.export_kind.is_type() {
                true => self.listed(specifier.span),
                false => wanted.name(specifier.local.name().to_string(), specifier.span.start),
            }
        }
        self.import(&it.source, wanted);
    }

    fn visit_export_all_declaration(&mut self, it: &ExportAllDeclaration<'a>) {
        match it.export_kind.is_type() {
            true => self.statement(it.span),
            false => self.import(&it.source, Wanted { all: true, ..Wanted::default() }),
        }
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        match &it.source {
            Expression::StringLiteral(source) => self.import(source, Wanted { all: true, ..Wanted::default() }),
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
        self.enumeration(it, it.span.start, None);
    }

    fn visit_ts_namespace_declaration(&mut self, it: &TSNamespaceDeclaration<'a>) {
        self.namespace(it, it.span.start, None);
    }

    fn visit_declaration(&mut self, it: &Declaration<'a>) {
        if let Declaration::FunctionDeclaration(function) = it {
            self.declared(function.id.as_ref());
        }
        walk::walk_declaration(self, it);
    }

    fn visit_block_statement(&mut self, it: &BlockStatement<'a>) {
        self.scopes.push(BTreeSet::new());
        walk::walk_block_statement(self, it);
        self.scopes.pop();
    }

    fn visit_function_body(&mut self, it: &FunctionBody<'a>) {
        self.scopes.push(BTreeSet::new());
        walk::walk_function_body(self, it);
        self.scopes.pop();
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
            self.blanks.push(Blank { span: Span::new(returned.span.end - 1, returned.span.end), first: ")" });
        }
    }

    fn visit_class(&mut self, it: &Class<'a>) {
        if it.is_declaration() {
            self.declared(it.id.as_ref());
        }
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
        self.parameter_properties(it);
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
