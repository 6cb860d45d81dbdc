/* Memory of QuickJS, which asks for little pieces and gives them back all the time: lists of free pieces by size, in steps of
   16 bytes. They are cut from spans of 1 KiB, so that few pages are touched. Larger ones are the C library's. */

#define MITE_STEP 16
#define MITE_SMALL 512
#define MITE_SPAN 1024
/* Spans come from chunks, whose first span says of each the size of its pieces, in steps. */
#define MITE_CHUNK 65536

typedef struct MitePiece {
    struct MitePiece *next;
} MitePiece;

static MitePiece *mite_free[MITE_SMALL / MITE_STEP + 1];
static uint8_t *mite_span, *mite_spans_end;
/* Which parts of the 4 GiB of a memory are chunks. */
static bool mite_chunks[65536];

/* How large a piece is, in steps; 0: it is the C library's. */
static inline size_t mite_steps(const void *piece)
{
    uintptr_t at = (uintptr_t)piece;

    if (unlikely(!mite_chunks[at / MITE_CHUNK]))
        return 0;
    return ((uint8_t *)(at & -(uintptr_t)MITE_CHUNK))[at % MITE_CHUNK / MITE_SPAN];
}

static __attribute__((noinline)) void *mite_cut(size_t steps)
{
    uint8_t *piece, *end;
    size_t size = steps * MITE_STEP;

    if (mite_span == mite_spans_end) {
        piece = aligned_alloc(MITE_CHUNK, MITE_CHUNK);
        if (!piece)
            return NULL;
        mite_chunks[(uintptr_t)piece / MITE_CHUNK] = true;
        mite_span = piece + MITE_SPAN;
        mite_spans_end = piece + MITE_CHUNK;
    }
    piece = mite_span;
    mite_span += MITE_SPAN;
    ((uint8_t *)((uintptr_t)piece & -(uintptr_t)MITE_CHUNK))[(uintptr_t)piece % MITE_CHUNK / MITE_SPAN] = steps;
    end = piece + MITE_SPAN - size;
    for (uint8_t *next = piece + size; next <= end; next += size)
        ((MitePiece *)next)->next = next + size <= end ? (MitePiece *)(next + size) : NULL;
    mite_free[steps] = (MitePiece *)(piece + size);
    return piece;
}

static inline void *mite_malloc(size_t size)
{
    size_t steps = (size + MITE_STEP - 1) / MITE_STEP;
    MitePiece *piece;

    if (unlikely(size > MITE_SMALL))
        return malloc(size);
    piece = mite_free[steps];
    if (unlikely(!piece))
        return mite_cut(steps);
    mite_free[steps] = piece->next;
    return piece;
}

static inline void mite_release(void *pointer)
{
    size_t steps = mite_steps(pointer);

    if (unlikely(!steps)) {
        free(pointer);
        return;
    }
    ((MitePiece *)pointer)->next = mite_free[steps];
    mite_free[steps] = pointer;
}

static void *mite_calloc(size_t count, size_t size)
{
    void *pointer;

    if (count * size > MITE_SMALL)
        return calloc(count, size);
    pointer = mite_malloc(count * size);
    return pointer ? memset(pointer, 0, count * size) : NULL;
}

static void *mite_realloc(void *old, size_t size)
{
    size_t had = mite_steps(old) * MITE_STEP;
    void *pointer;

    if (!had && size > MITE_SMALL)
        return realloc(old, size);
    if (had && size <= had && size + MITE_STEP > had)
        return old;
    pointer = mite_malloc(size);
    if (pointer) {
        /* The C library's pieces that come here were larger than this one. */
        memcpy(pointer, old, had && had < size ? had : size);
        mite_release(old);
    }
    return pointer;
}

/* What was given back until now is never used again, so that what comes stands together, on pages of its own. */
static void mite_seal(void)
{
    memset(mite_free, 0, sizeof(mite_free));
    mite_span = mite_spans_end = NULL;
}
