//! Components that are small or plain, and that no compiler takes lightly.

use wasm_encoder::{
    BlockType, CodeSection, Component, ComponentExportKind, ComponentExportSection, ComponentInstanceSection,
    EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection, InstructionSink, Module,
    TypeSection, ValType,
};

/// What a component with journeys has to export.
const EXPORTS: [&str; 2] = ["mite:journey/journeys@0.1.0", "mite:journey/scenarios@0.1.0"];

/// A component that has this core module, and exports what one with journeys has to, with nothing in it.
pub fn component(module: &Module) -> Vec<u8> {
    around(MODULE, module.as_slice())
}

/// The same for what is there already, [`MODULE`] or [`COMPONENT`].
pub fn around(id: u8, inside: &[u8]) -> Vec<u8> {
    let mut component = Component::new();
    component.section(&wasm_encoder::RawSection { id, data: inside });
    let mut instances = ComponentInstanceSection::new();
    instances.export_items(std::iter::empty::<(&str, ComponentExportKind, u32)>());
    component.section(&instances);
    let mut exports = ComponentExportSection::new();
    for name in EXPORTS {
        exports.export(name, ComponentExportKind::Instance, 0, None);
    }
    component.section(&exports);
    component.finish()
}

/// The id of a section of a component that is a core module.
pub const MODULE: u8 = 1;
/// The id of one that is a component.
pub const COMPONENT: u8 = 4;

/// A module of so many functions, all alike.
fn functions(count: u32, locals: u32, body: impl Fn(&mut InstructionSink<'_>)) -> Module {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    let mut function = Function::new([(locals, ValType::I64)]);
    body(&mut function.instructions());
    function.instructions().end();
    for _ in 0..count {
        functions.function(0);
        code.function(&function);
    }
    let mut exports = ExportSection::new();
    exports.export("last", ExportKind::Func, count - 1);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&exports).section(&code);
    module
}

/// As many functions as a module may have.
pub fn million_functions() -> Vec<u8> {
    component(&functions(1_000_000, 0, |code| {
        code.local_get(0);
    }))
}

/// As many locals as a function may have, all of them alive across calls and loops.
pub fn many_locals() -> Vec<u8> {
    const LOCALS: u32 = 49_000;
    component(&functions(4, LOCALS, |code| {
        for at in 1..LOCALS {
            code.local_get(0).call(0).i64_extend_i32_u().local_get(at).i64_add().local_set(at);
        }
        code.i32_const(0);
        for at in 1..LOCALS {
            code.local_get(at).i32_wrap_i64().i32_add();
        }
    }))
}

/// Jumps to half a million places, again and again.
pub fn huge_table() -> Vec<u8> {
    component(&functions(8, 0, |code| {
        code.block(BlockType::Empty).block(BlockType::Empty).local_get(0);
        code.br_table((0..500_000).map(|at| at % 2), 0).end().end().local_get(0);
    }))
}

/// Blocks in blocks.
pub fn deep_blocks() -> Vec<u8> {
    const DEEP: u32 = 200_000;
    component(&functions(10, 0, |code| {
        for _ in 0..DEEP {
            code.loop_(BlockType::Empty).local_get(0).if_(BlockType::Empty);
        }
        for _ in 0..DEEP {
            code.local_get(0).br_if(1).end().end();
        }
        code.local_get(0);
    }))
}

/// A module that imports ten thousand functions.
pub fn many_imports() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    let mut imports = ImportSection::new();
    for at in 0..10_000 {
        imports.import("mite", &format!("f{at}"), EntityType::Function(0));
    }
    let mut module = Module::new();
    module.section(&types).section(&imports);
    component(&module)
}

/// A component that itself imports so many things that nobody has.
pub fn strange_imports(count: u32) -> Vec<u8> {
    use wasm_encoder::{ComponentImportSection, ComponentTypeRef, ComponentTypeSection, InstanceType};
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    let mut imports = ComponentImportSection::new();
    for at in 0..count {
        imports.import(format!("strange:thing/number{at}@1.0.0").as_str(), ComponentTypeRef::Instance(0));
    }
    let mut component = Component::new();
    component.section(&types).section(&imports);
    component.finish()
}

/// Components in components.
pub fn deep_components() -> Vec<u8> {
    let mut inner = Component::new().finish();
    for _ in 0..5_000 {
        let mut outer = Component::new();
        outer.section(&wasm_encoder::RawSection { id: COMPONENT, data: &inner });
        inner = outer.finish();
    }
    inner
}
