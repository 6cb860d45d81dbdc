"""adapt.py IN OUT: QuickJS's source as mite builds it. Each change names the text it replaces, which must be there once, or
as often as it says."""

import pathlib
import re
import sys

here = pathlib.Path(__file__).parent
# Functions that call themselves through others, and how much of QuickJS's stack each call is to take: some take little of
# it, which QuickJS checks, and much of the machine's, which only the host sees. Of that a guest has three times as much as
# QuickJS may use: a level of `[[[[` in a script takes 2.6 KiB.
RECURSIVE = [
    ("int js_parse_function_decl2(JSParseState *s,", 512),
    ("int js_parse_postfix_expr(JSParseState *s, int parse_flags)\n{", 1280),
    ("int js_parse_unary(JSParseState *s, int parse_flags)\n{", 96),
    ("int js_parse_assign_expr2(JSParseState *s, int parse_flags)\n{", 128),
    ("JSValue json_parse_value(JSParseState *s, JSONParseRecord *pr)\n{", 192),
    ("int js_json_to_str(JSContext *ctx,", 192),
    ("int64_t JS_FlattenIntoArray(JSContext *ctx,", 192),
    ("JSValue js_proxy_getPrototypeOf(JSContext *ctx, JSValueConst obj)\n{", 128),
    ("int js_proxy_setPrototypeOf(JSContext *ctx,", 192),
    ("int js_proxy_has(JSContext *ctx,", 192),
    ("JSValue js_proxy_get(JSContext *ctx,", 192),
    ("int js_proxy_get_own_property(JSContext *ctx,", 128),
    ("int js_proxy_define_own_property(JSContext *ctx,", 384),
    ("int js_proxy_delete_property(JSContext *ctx,", 256),
    ("int js_proxy_get_own_property_names(JSContext *ctx,", 384),
]
CHANGES = [
    ("    return calloc(count, size);\n", "    return mite_calloc(count, size);\n"),
    ("    return malloc(size);\n", "    return mite_malloc(size);\n"),
    ("    free(ptr);\n}\n\nstatic void *js_def_realloc", "    mite_release(ptr);\n}\n\nstatic void *js_def_realloc"),
    ("    return realloc(ptr, size);\n", "    return mite_realloc(ptr, size);\n"),
    # A promise of an async function, and one that the host settles, needs no functions that resolve it.
    (
        "    if (js_create_resolving_functions(ctx, resolving_funcs, obj)) {",
        "    if (resolving_funcs && js_create_resolving_functions(ctx, resolving_funcs, obj)) {",
    ),
    (
        """static bool js_async_function_resume(JSContext *ctx, JSAsyncFunctionData *s)
{
    bool is_success = true;
    JSValue func_ret, ret2;
""",
        """static JSValue js_promise_new(JSContext *ctx, JSValueConst new_target, JSValue *resolving_funcs);
static void mite_promise_settle(JSContext *ctx, JSValueConst promise, JSValueConst value, bool is_reject);

/* resolving_funcs[0] is the promise itself. */
static bool js_async_function_resume(JSContext *ctx, JSAsyncFunctionData *s)
{
    bool is_success = true;
    JSValue func_ret;
""",
    ),
    (
        """            ret2 = JS_Call(ctx, s->resolving_funcs[1], JS_UNDEFINED,
                           1, vc(&error));
            JS_FreeValue(ctx, error);
        resolved:
            if (unlikely(JS_IsException(ret2))) {
                if (JS_IsUncatchableError(ctx->rt->current_exception)) {
                    is_success = false;
                } else {
                    abort(); /* BUG */
                }
            }
            JS_FreeValue(ctx, ret2);
""",
        """            mite_promise_settle(ctx, s->resolving_funcs[0], error, true);
            JS_FreeValue(ctx, error);
        resolved:;
""",
    ),
    (
        """            ret2 = JS_Call(ctx, s->resolving_funcs[0], JS_UNDEFINED,
                           1, vc(&value));
            JS_FreeValue(ctx, value);
            goto resolved;
""",
        """            mite_promise_settle(ctx, s->resolving_funcs[0], value, false);
            JS_FreeValue(ctx, value);
            goto resolved;
""",
    ),
    (
        """    promise = JS_NewPromiseCapability(ctx, s->resolving_funcs);
    if (JS_IsException(promise))
        goto fail;

    if (async_func_init(""",
        """    promise = js_promise_new(ctx, JS_UNDEFINED, NULL);
    if (JS_IsException(promise))
        goto fail;
    s->resolving_funcs[0] = js_dup(promise);

    if (async_func_init(""",
    ),
    # One object stands for both ways that an `await` goes on.
    (
        """    for(i = 0; i < 2; i++) {
        resolving_funcs[i] =
            JS_NewObjectProtoClass(ctx, ctx->function_proto,
                                   JS_CLASS_ASYNC_FUNCTION_RESOLVE + i);
        if (JS_IsException(resolving_funcs[i])) {
            if (i == 1)
                JS_FreeValue(ctx, resolving_funcs[0]);
            return -1;
        }
        p = JS_VALUE_GET_OBJ(resolving_funcs[i]);
        s->header.ref_count++;
        p->u.async_function_data = s;
    }
    return 0;
}
""",
        """    i = JS_CLASS_ASYNC_FUNCTION_RESOLVE;
    resolving_funcs[0] = JS_NewObjectProtoClass(ctx, ctx->function_proto, i);
    if (JS_IsException(resolving_funcs[0]))
        return -1;
    p = JS_VALUE_GET_OBJ(resolving_funcs[0]);
    s->header.ref_count++;
    p->u.async_function_data = s;
    resolving_funcs[1] = js_dup(resolving_funcs[0]);
    return 0;
}
""",
    ),
    (
        """    JSObject *p = JS_VALUE_GET_OBJ(func_obj);
    JSAsyncFunctionData *s = p->u.async_function_data;
    bool is_reject = p->class_id - JS_CLASS_ASYNC_FUNCTION_RESOLVE;
    JSValueConst arg;

    if (argc > 0)
        arg = argv[0];
    else
        arg = JS_UNDEFINED;
    s->func_state.throw_flag""",
        """    JSObject *p = JS_VALUE_GET_OBJ(func_obj);

    return mite_async_go_on(ctx, p->u.async_function_data, argc > 0 ? argv[0] : JS_UNDEFINED,
                            p->class_id - JS_CLASS_ASYNC_FUNCTION_RESOLVE);
}

static JSValue mite_async_go_on(JSContext *ctx, JSAsyncFunctionData *s, JSValueConst arg, bool is_reject)
{
    s->func_state.throw_flag""",
    ),
    (
        """static JSValue js_async_function_resolve_call(JSContext *ctx,""",
        """static JSValue mite_async_go_on(JSContext *ctx, JSAsyncFunctionData *s, JSValueConst arg, bool is_reject);

static JSValue js_async_function_resolve_call(JSContext *ctx,""",
    ),
    (
        """    } else {
        res = JS_Call(ctx, handler, JS_UNDEFINED, 1, &arg);
    }
    is_reject = JS_IsException(res);
    if (is_reject) {
        if (unlikely""",
        """    } else if (JS_VALUE_GET_OBJ(handler)->class_id == JS_CLASS_ASYNC_FUNCTION_RESOLVE) {
        res = mite_async_go_on(ctx, JS_VALUE_GET_OBJ(handler)->u.async_function_data, arg, is_reject);
    } else {
        res = JS_Call(ctx, handler, JS_UNDEFINED, 1, &arg);
    }
    is_reject = JS_IsException(res);
    if (is_reject) {
        if (unlikely""",
    ),
    (
        """static void js_promise_finalizer(JSRuntime *rt, JSValueConst val)
{""",
        """/* What the functions that resolve a promise do, for one that has none: to be called once. */
static void mite_promise_settle(JSContext *ctx, JSValueConst promise, JSValueConst value, bool is_reject)
{
    JSValueConst args[3];
    JSValue then, error;

    if (is_reject || !JS_IsObject(value)) {
        fulfill_or_reject_promise(ctx, promise, value, is_reject);
        return;
    }
    if (js_same_value(ctx, value, promise))
        then = JS_ThrowTypeError(ctx, "promise self resolution");
    else
        then = JS_GetProperty(ctx, value, JS_ATOM_then);
    if (JS_IsException(then)) {
        error = JS_GetException(ctx);
        fulfill_or_reject_promise(ctx, promise, error, true);
        JS_FreeValue(ctx, error);
        return;
    }
    if (JS_IsFunction(ctx, then)) {
        args[0] = promise;
        args[1] = value;
        args[2] = then;
        JS_EnqueueJob(ctx, js_promise_resolve_thenable_job, 3, args);
    } else {
        fulfill_or_reject_promise(ctx, promise, value, false);
    }
    JS_FreeValue(ctx, then);
}

static void js_promise_finalizer(JSRuntime *rt, JSValueConst val)
{""",
    ),
    # What is there when the engine is ready is shared by all instances, page by page, until they write to it: so its counts
    # of references, which nobody needs, are not written any more. See mite_ready.
    (
        """static JSValue js_dup(JSValueConst v)
{""",
        """#define MITE_SHARED (1 << 28)

static JSValue js_dup(JSValueConst v)
{""",
    ),
    (
        "        p->ref_count++;\n    }\n    return unsafe_unconst(v);\n",
        "        if (p->ref_count < MITE_SHARED)\n            p->ref_count++;\n    }\n    return unsafe_unconst(v);\n",
    ),
    (
        "        if (--p->ref_count <= 0) {\n            js_free_value_rt(rt, v);\n",
        "        if (p->ref_count < MITE_SHARED && --p->ref_count <= 0) {\n            js_free_value_rt(rt, v);\n",
    ),
    (
        "    if (--str->header.ref_count <= 0)\n",
        "    if (str->header.ref_count < MITE_SHARED && --str->header.ref_count <= 0)\n",
    ),
    (
        "    sh->header.ref_count++;\n    return sh;\n",
        "    if (sh->header.ref_count < MITE_SHARED)\n        sh->header.ref_count++;\n    return sh;\n",
    ),
    (
        "    if (unlikely(--sh->header.ref_count <= 0)) {\n",
        "    if (sh->header.ref_count < MITE_SHARED && unlikely(--sh->header.ref_count <= 0)) {\n",
    ),
    (
        "    return (int32_t)v < JS_ATOM_END;\n",
        "    return (int32_t)v < mite_atoms;\n",
    ),
    (
        "static inline bool __JS_AtomIsConst(JSAtom v)\n{\n",
        "/* Atoms below are never freed. */\nstatic int32_t mite_atoms = JS_ATOM_END;\n\nstatic inline bool __JS_AtomIsConst(JSAtom v)\n{\n",
    ),
    (
        "            if (__JS_AtomIsConst(i))\n                str->header.ref_count--;\n",
        "            if (__JS_AtomIsConst(i) && str->header.ref_count < MITE_SHARED)\n                str->header.ref_count--;\n",
    ),
    (
        """static void gc_decref_child(JSRuntime *rt, JSGCObjectHeader *p)
{
""",
        """static void gc_decref_child(JSRuntime *rt, JSGCObjectHeader *p)
{
    if (p->ref_count >= MITE_SHARED)
        return;
""",
    ),
    (
        """static void gc_scan_incref_child(JSRuntime *rt, JSGCObjectHeader *p)
{
""",
        """static void gc_scan_incref_child(JSRuntime *rt, JSGCObjectHeader *p)
{
    if (p->ref_count >= MITE_SHARED)
        return;
""",
    ),
    (
        """static void gc_scan_incref_child2(JSRuntime *rt, JSGCObjectHeader *p)
{
""",
        """static void gc_scan_incref_child2(JSRuntime *rt, JSGCObjectHeader *p)
{
    if (p->ref_count >= MITE_SHARED)
        return;
""",
    ),
    # A module that was read from bytecode has not looked for what it imports.
    (
        "        /* the module refcount should be >= 2 */\n",
        "        if (js_resolve_module(ctx, m) < 0)\n            return JS_EXCEPTION;\n        /* the module refcount should be >= 2 */\n",
    ),
    # QuickJS asks for memory through pointers to functions, and how large pieces are, which it isn't told here.
    ("    ptr = rt->mf.js_malloc(s->opaque, size);\n", "    ptr = mite_malloc(size);\n"),
    ("    rt->mf.js_free(s->opaque, ptr);\n", "    mite_release(ptr);\n"),
    ("    s->malloc_size += rt->mf.js_malloc_usable_size(ptr) + MALLOC_OVERHEAD;\n", "    s->malloc_size += MALLOC_OVERHEAD;\n", 2),
    ("    size_t free_size = rt->mf.js_malloc_usable_size(ptr) + MALLOC_OVERHEAD;\n", "    size_t free_size = MALLOC_OVERHEAD;\n"),
    # Last: it has texts of those above in it.
    (
        "static size_t js_malloc_usable_size_unknown(const void *ptr)\n",
        (here / "alloc.h").read_text() + "\nstatic size_t js_malloc_usable_size_unknown(const void *ptr)\n",
    ),
]


def padded(text, function, size):
    """The text, where the body of a function begins with an array of so many bytes."""
    found = [at.start() for at in re.finditer(re.escape(function), text)]
    bodies = [text.find(")\n{", at) for at in found if text.find(";", at) > text.find(")\n{", at)]
    if len(bodies) != 1:
        sys.exit(f"adapt.py: there is no `{function}` in this QuickJS")
    return f"{text[: bodies[0]]})\n{{\n    MITE_PAD({size});\n{text[bodies[0] + 3 :]}"


def main():
    source, adapted = map(pathlib.Path, sys.argv[1:])
    text = source.read_text()
    for before, after, *times in CHANGES:
        if text.count(before) != (times or [1])[0]:
            sys.exit(f"adapt.py: {source} isn't the QuickJS that it was written for: {text.count(before)} times\n{before}")
        text = text.replace(before, after)
    for function, bytes_ in RECURSIVE:
        text = padded(text, function, bytes_)
    adapted.write_text(text + (here / "mite.c").read_text())


main()
