//! From a source file to a module that V8 can load: types are taken off, imports are found, mistakes are placed.

use std::path::{Path, PathBuf};

use oxc::allocator::Allocator;
use oxc::ast::ast::{Program, Statement};
use oxc::codegen::{Codegen, CodegenOptions};
use oxc::diagnostics::OxcDiagnostic;
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::{GetSpan, SourceType, Span};
use oxc::transformer::{TransformOptions, Transformer};

use super::loader;
use crate::protocol::control::Problem;

/// A source file as it is loaded.
#[derive(Debug)]
pub struct Compiled {
    pub code: String,
    /// Absent where the code is the source itself.
    pub source_map: Option<String>,
    pub imports: Vec<Import>,
    /// Where the default export stands.
    pub default_export: Option<Place>,
}

/// An import that stays when the types are gone.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    pub specifier: String,
    pub place: Place,
}

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

/// Compiles a `.ts`, `.mts`, `.js` or `.mjs` file of `function`.
pub fn compile(function: &str, path: &str, source: &str) -> Result<Compiled, Box<Problem>> {
    let typescript = path.ends_with(".ts") || path.ends_with(".mts");
    // The extension `mts` makes it a module whatever it contains.
    let kind = SourceType::from_extension(if typescript { "mts" } else { "mjs" }).unwrap_or_default();
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, kind).parse();
    first_error(path, source, &parsed.diagnostics)?;
    let mut dynamic = Vec::new();
    for import in &parsed.module_record.dynamic_imports {
        dynamic.extend(literal(source, import.module_request));
    }
    let mut program = parsed.program;
    let checked = SemanticBuilder::new()
        .with_check_syntax_error(true)
        .with_enum_eval(true)
        .with_excess_capacity(2.0)
        .build(&program);
    first_error(path, source, &checked.diagnostics)?;
    let (code, source_map) = if typescript {
        let scoping = checked.semantic.into_scoping();
        let options = TransformOptions::default();
        let transformed =
            Transformer::new(&allocator, Path::new(path), &options).build_with_scoping(scoping, &mut program);
        first_error(path, source, &transformed.diagnostics)?;
        let options = CodegenOptions {
            source_map_path: Some(PathBuf::from(loader::specifier(function, path))),
            ..CodegenOptions::default()
        };
        let generated = Codegen::new().with_options(options).build(&program);
        (generated.code, generated.map.map(|map| map.to_json_string()))
    } else {
        (source.to_owned(), None)
    };
    let mut imports = static_imports(source, &program);
    imports.extend(dynamic);
    Ok(Compiled { code, source_map, imports, default_export: default_export(source, &program) })
}

fn first_error<'d>(
    path: &str,
    source: &str,
    diagnostics: impl IntoIterator<Item = &'d OxcDiagnostic>,
) -> Result<(), Box<Problem>> {
    use oxc::diagnostics::Severity;
    let Some(error) = diagnostics.into_iter().find(|diagnostic| diagnostic.severity == Severity::Error) else {
        return Ok(());
    };
    let place = error.labels.first().map(|label| place(source, label.offset()));
    Err(Box::new(Problem {
        code: "E1202".to_owned(),
        message: error.message.to_string(),
        file: Some(path.to_owned()),
        line: place.map(|place| place.line),
        column: place.map(|place| place.column),
        hint: error.help.as_ref().map(ToString::to_string),
        stack: None,
    }))
}

/// Imports and re-exports with a source, after types have gone.
fn static_imports(source: &str, program: &Program<'_>) -> Vec<Import> {
    let import =
        |specifier: &str, span: Span| Import { specifier: specifier.to_owned(), place: place(source, span.start) };
    let found = program.body.iter().filter_map(|statement| match statement {
        Statement::ImportDeclaration(declaration) => Some(import(&declaration.source.value, declaration.source.span)),
        Statement::ExportAllDeclaration(declaration) => {
            Some(import(&declaration.source.value, declaration.source.span))
        }
        Statement::ExportFromDeclaration(declaration) => {
            Some(import(&declaration.source.value, declaration.source.span))
        }
        _ => None,
    });
    found.collect()
}

fn default_export(source: &str, program: &Program<'_>) -> Option<Place> {
    program.body.iter().find_map(|statement| match statement {
        Statement::ExportDefaultDeclaration(declaration) => Some(place(source, declaration.span().start)),
        _ => None,
    })
}

/// An `import("…")` whose specifier is written out.
fn literal(source: &str, span: Span) -> Option<Import> {
    let text = source.get(span.start as usize..span.end as usize)?;
    let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`'))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let plain = !inner.contains(['\\', '$', quote]);
    plain.then(|| Import { specifier: inner.to_owned(), place: place(source, span.start) })
}

fn place(source: &str, offset: u32) -> Place {
    let before = source.get(..offset as usize).unwrap_or(source);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Place { line: before.matches('\n').count() as u32 + 1, column: before[line_start..].chars().count() as u32 + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(source: &str) -> Compiled {
        compile("test", "index.ts", source).unwrap()
    }

    #[test]
    fn types_vanish_and_what_remains_runs() {
        let source =
            "interface A { x: number }\nexport default function (record: A): number { return record.x as number; }";
        let code = compiled(source).code;
        assert!(!code.contains("interface") && !code.contains(": number") && !code.contains(" as "), "{code}");
    }

    #[test]
    fn enums_namespaces_and_parameter_properties_become_code() {
        let source = "enum Color { Red = 3 }\nnamespace N { export const x = 1 }\nclass P { constructor(public y: number) {} }\nexport default () => Color.Red + N.x + new P(1).y;";
        let code = compiled(source).code;
        assert!(!code.contains("enum ") && !code.contains("namespace "), "{code}");
        assert!(code.contains("this.y = y"), "{code}");
    }

    #[test]
    fn imports_of_types_alone_vanish() {
        let source = "import type { A } from \"types\";\nimport { type B } from \"./b\";\nimport { C } from \"./c.ts\";\nimport { d } from \"./d.ts\";\nexport default (record: A & B & C) => d(record);";
        let specifiers: Vec<_> = compiled(source).imports.into_iter().map(|import| import.specifier).collect();
        assert_eq!(specifiers, ["./d.ts"]);
    }

    #[test]
    fn imports_are_placed_in_the_source() {
        let source =
            "export * from './a.js';\n\n  export { b } from './b.js';\nconst c = import('./c.js');\nimport './d.js';";
        let found: Vec<_> = compiled(source)
            .imports
            .into_iter()
            .map(|import| (import.specifier, import.place.line, import.place.column))
            .collect();
        let expected = [("./a.js", 1, 15), ("./b.js", 3, 21), ("./d.js", 5, 8), ("./c.js", 4, 18)];
        assert_eq!(found, expected.map(|(specifier, line, column)| (specifier.to_owned(), line, column)));
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        let problem = compile("test", "index.ts", "const a = 1;\nconst = 2;").unwrap_err();
        assert_eq!((&problem.code[..], problem.line, problem.column), ("E1202", Some(2), Some(7)));
    }

    #[test]
    fn javascript_stays_as_it_is() {
        let source = "export default (record) => record; // untouched";
        let compiled = compile("test", "index.js", source).unwrap();
        assert_eq!((&compiled.code[..], compiled.source_map), (source, None));
        assert_eq!(compiled.default_export, Some(Place { line: 1, column: 1 }));
    }
}
