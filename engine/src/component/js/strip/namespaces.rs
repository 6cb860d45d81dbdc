//! Namespaces with values, as functions that fill an object: `namespace A { export const b = 1; }` is
//! `var A = ((A) => { const b = 1;A.b = b; return A; })(A || {});`.

use std::collections::BTreeSet;

use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};

use super::types::Types;

impl<'t> Types<'t> {
    /// `start`: where its statement begins. `outer`: the namespace that exports it.
    pub fn namespace<'a>(&mut self, it: &TSNamespaceDeclaration<'a>, start: u32, outer: Option<&str>) {
        let name = it.id.name.as_str();
        match &it.body {
            TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => {
                self.begin_object(name, Span::new(start, inner.span.start));
                self.scopes.push(BTreeSet::new());
                self.namespace(inner, inner.span.start, Some(name));
                self.scopes.pop();
                // The inner one's brace is the only one there is.
                self.close_object(name, inner.span.end, outer);
            }
            TSNamespaceDeclarationBody::TSModuleBlock(block) => {
                self.begin_object(name, Span::new(start, block.span.start + 1));
                self.scopes.push(BTreeSet::new());
                self.others_of_it(name, block);
                for statement in &block.body {
                    self.inner(statement, name, block.span.start + 1);
                }
                self.scopes.pop();
                self.end_object(name, block.span.end, outer);
            }
        }
    }

    fn inner<'a>(&mut self, statement: &Statement<'a>, name: &str, begin: u32) {
        match statement {
            Statement::ExportDeclaration(it) => self.exported(it, name, begin),
            Statement::ExportNamedDeclaration(_)
            | Statement::ExportFromDeclaration(_)
            | Statement::ExportAllDeclaration(_)
            | Statement::ExportDefaultDeclaration(_)
            | Statement::ImportDeclaration(_) => {
                self.refuse(statement.span(), "a namespace can't import, and exports only what it declares");
            }
            statement => self.visit_statement(statement),
        }
    }

    /// `begin`: the beginning of the namespace's body.
    fn exported<'a>(&mut self, it: &ExportDeclaration<'a>, name: &str, begin: u32) {
        if Self::is_only_types(&it.declaration) {
            return self.statement(it.span);
        }
        let export = |types: &mut Self, own: &str, set: String, at: u32, changes: bool| {
            if own == name {
                types.refuse(it.span, "what a namespace exports can't have its name");
            }
            types.exports.entry(name.to_owned()).or_default().insert(own.to_owned(), changes);
            types.insert(at, set);
        };
        let end = it.span.end;
        match &it.declaration {
            Declaration::TSEnumDeclaration(inner) => self.enumeration(inner, it.span.start, Some(name)),
            Declaration::TSNamespaceDeclaration(inner) => self.namespace(inner, it.span.start, Some(name)),
            declaration => {
                self.blank(it.span.start, declaration.span().start);
                self.visit_declaration(declaration);
            }
        }
        match &it.declaration {
            Declaration::VariableDeclaration(inner) => {
                let changes = inner.kind != VariableDeclarationKind::Const;
                for declared in inner.declarations.iter().flat_map(|one| one.id.get_binding_identifiers()) {
                    let own = declared.name.as_str();
                    let set = match changes {
                        false => format!(";{name}.{own} = {own};"),
                        true => format!(
                            ";Object.defineProperty({name}, \"{own}\", {{ get: () => {own}, set: (it) => {{ {own} = it; }}, \
                             enumerable: true, configurable: true }});"
                        ),
                    };
                    export(self, own, set, end, changes);
                }
            }
            // Functions are there from the beginning.
            Declaration::FunctionDeclaration(inner) => {
                for own in inner.id.iter().map(|id| id.name.as_str()) {
                    export(self, own, format!("{name}.{own} = {own};"), begin, false);
                }
            }
            Declaration::ClassDeclaration(inner) => {
                for own in inner.id.iter().map(|id| id.name.as_str()) {
                    export(self, own, format!(";{name}.{own} = {own};"), end, false);
                }
            }
            Declaration::TSEnumDeclaration(inner) => export(self, inner.id.name.as_str(), String::new(), end, false),
            Declaration::TSNamespaceDeclaration(inner) => {
                export(self, inner.id.name.as_str(), String::new(), end, false);
            }
            _ => {}
        }
    }

    /// What other parts of a namespace export is known here by its own name.
    fn others_of_it(&mut self, name: &str, block: &TSModuleBlock<'_>) {
        let Some(others) = self.exports.get(name) else { return };
        let mut names = Names::default();
        walk::walk_ts_module_block(&mut names, block);
        let meant: Vec<_> = others
            .iter()
            .filter(|(other, _)| names.used.contains(*other) && !names.declared.contains(*other))
            .map(|(other, changes)| (other.clone(), *changes))
            .collect();
        if let Some((other, _)) = meant.iter().find(|(_, changes)| *changes) {
            let what = format!("`{other}` is a variable of another part of the namespace: write `{name}.{other}`");
            return self.refuse(block.span, &what);
        }
        if !meant.is_empty() {
            let names: Vec<_> = meant.into_iter().map(|(other, _)| other).collect();
            self.insert(block.span.start + 1, format!("const {{ {} }} = {name};", names.join(", ")));
        }
    }
}

/// The names that a block declares and uses.
#[derive(Default)]
struct Names {
    used: BTreeSet<String>,
    declared: BTreeSet<String>,
}

impl<'a> Visit<'a> for Names {
    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        self.used.insert(it.name.to_string());
    }

    fn visit_binding_identifier(&mut self, it: &BindingIdentifier<'a>) {
        self.declared.insert(it.name.to_string());
    }
}
