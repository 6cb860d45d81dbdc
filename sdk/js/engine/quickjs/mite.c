/* What mite adds to QuickJS, behind its last line: functions for the SDK that cost a request as little as can be.
   `adapt.py` puts it there. */

/* Promises that the host settles: one object, where `new Promise` makes five. */
static JSValue mite_promise(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    return js_promise_new(ctx, JS_UNDEFINED, NULL);
}

/* settle(promise, value, rejected) */
static JSValue mite_settle(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    mite_promise_settle(ctx, argv[0], argv[1], JS_ToBool(ctx, argv[2]));
    return JS_UNDEFINED;
}

/* Functions whose module's name begins so are the SDK's own, of which no author wants to hear. */
#define MITE_SDK "@mite/sdk/"
/* As many as errors have. */
#define MITE_FRAMES 10

static JSFunctionBytecode *mite_author(JSRuntime *rt, JSStackFrame *sf)
{
    JSObject *p = JS_VALUE_GET_OBJ(sf->cur_func);
    JSFunctionBytecode *b;
    JSAtomStruct *name;

    if (!js_class_has_bytecode(p->class_id) || !sf->cur_pc)
        return NULL;
    b = p->u.func.function_bytecode;
    if (!b->filename || __JS_AtomIsTaggedInt(b->filename))
        return NULL;
    name = rt->atom_array[b->filename];
    if (!name->is_wide_char && name->len >= sizeof(MITE_SDK) - 1
        && !memcmp(str8(name), MITE_SDK, sizeof(MITE_SDK) - 1))
        return NULL;
    return b;
}

/* frames(): the author's functions that are being called, innermost first, each with its place in its bytecode. What an
   Error writes down as text when it is made is only noted here. */
static JSValue mite_frames(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue found[2 * MITE_FRAMES];
    JSStackFrame *sf;
    JSFunctionBytecode *b;
    int count = 0;

    for (sf = ctx->rt->current_stack_frame; sf && count < countof(found); sf = sf->prev_frame) {
        b = mite_author(ctx->rt, sf);
        if (!b)
            continue;
        found[count++] = js_dup(sf->cur_func);
        found[count++] = js_int32(sf->cur_pc - b->byte_code_buf - 1);
    }
    return JS_NewArrayFrom(ctx, count, found);
}

/* stack(frames): the text. */
static JSValue mite_stack(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSObject *frames, *function;
    JSFunctionBytecode *b;
    const char *name, *file;
    DynBuf text;
    JSValue stack;
    int line, column;
    uint32_t i;

    if (JS_VALUE_GET_TAG(argv[0]) != JS_TAG_OBJECT)
        return js_empty_string(ctx->rt);
    frames = JS_VALUE_GET_OBJ(argv[0]);
    if (frames->class_id != JS_CLASS_ARRAY || !frames->fast_array)
        return js_empty_string(ctx->rt);
    js_dbuf_init(ctx, &text);
    for (i = 0; i + 1 < frames->u.array.count; i += 2) {
        if (JS_VALUE_GET_TAG(frames->u.array.u.values[i]) != JS_TAG_OBJECT)
            break;
        function = JS_VALUE_GET_OBJ(frames->u.array.u.values[i]);
        if (!js_class_has_bytecode(function->class_id))
            break;
        b = function->u.func.function_bytecode;
        line = find_line_num(ctx, b, JS_VALUE_GET_INT(frames->u.array.u.values[i + 1]), &column);
        name = get_func_name(ctx, frames->u.array.u.values[i]);
        file = JS_AtomToCString(ctx, b->filename);
        dbuf_printf(&text, "    at %s (%s:%d:%d)\n", name && *name ? name : "<anonymous>", file ? file : "", line, column);
        JS_FreeCString(ctx, name);
        JS_FreeCString(ctx, file);
    }
    stack = dbuf_error(&text) ? js_empty_string(ctx->rt) : JS_NewStringLen(ctx, (char *)text.buf, text.size);
    dbuf_free(&text);
    return stack;
}

/* Gives an object these functions. */
void mite_install(JSContext *ctx, JSValueConst object)
{
    static const struct {
        const char *name;
        JSCFunction *function;
        int length;
    } functions[] = {
        { "promise", mite_promise, 0 },
        { "settle", mite_settle, 3 },
        { "frames", mite_frames, 0 },
        { "stack", mite_stack, 1 },
    };
    int i;

    for (i = 0; i < countof(functions); i++) {
        JS_SetPropertyStr(ctx, object, functions[i].name,
                          JS_NewCFunction(ctx, functions[i].function, functions[i].name, functions[i].length));
    }
}

/* To be called once, when the engine is ready. What is there then is never freed, so that its counts of references need not
   be written, and the collector doesn't look at it: what it refers to is in use. */
void mite_ready(JSContext *ctx)
{
    static struct list_head shared;
    JSRuntime *rt = ctx->rt;
    JSGCObjectHeader *object;
    struct list_head *at;
    uint32_t i;

    JS_RunGC(rt);
    list_for_each(at, &rt->gc_obj_list) {
        object = list_entry(at, JSGCObjectHeader, link);
        /* A shape that isn't hashed is one object's own, which may change it. */
        if (object->gc_obj_type != JS_GC_OBJ_TYPE_SHAPE || ((JSShape *)object)->is_hashed)
            object->ref_count += MITE_SHARED;
    }
    init_list_head(&shared);
    if (!list_empty(&rt->gc_obj_list)) {
        shared = rt->gc_obj_list;
        shared.next->prev = shared.prev->next = &shared;
        init_list_head(&rt->gc_obj_list);
    }
    for (i = 1; i < rt->atom_size; i++) {
        if (atom_is_free(rt->atom_array[i]))
            continue;
        rt->atom_array[i]->header.ref_count += MITE_SHARED;
        mite_atoms = i + 1;
    }
    mite_seal();
}
