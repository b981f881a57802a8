/* A plugin of qemu-user that counts executed guest instructions, exactly, between marks.
 *
 * A mark is system call 500001 with a tag and a range of guest addresses (the runtime's
 * jit/marks.rs). For each, and for the end of the program, a line is appended to the file that
 * COUNT_OUT names (or written to stderr):
 *
 *     count TAG in=INSTRUCTIONS all=INSTRUCTIONS
 *
 * `in` are those at addresses in the range, `all` those of the whole process, both since the mark
 * before. A block of instructions counts when it is entered. With the argument `writes=on` each
 * write to stdout is a mark, with the tag 0 and no range: so a program that answers requests there
 * is measured request by request, whatever it is.
 *
 * Plugin API version 1 (qemu 7.2): its header is not packaged, so what is used is declared here.
 *     cc -O2 -shared -fPIC -o libcount.so count.c
 */
#include <inttypes.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
enum { ADD_U64 = 0 };

int qemu_plugin_version = 1;
/* The beginning of what a plugin is told of its emulator. */
struct qemu_info {
    const char *target_name;
};
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);
void qemu_plugin_register_vcpu_syscall_cb(
    plugin_id, void (*)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                        uint64_t, uint64_t, uint64_t, uint64_t));
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);

enum { MARK = 500001, STDOUT = 1, CHUNK = 1 << 14 };
static const uint64_t END = UINT64_MAX;

/* A translated block. qemu adds to `executed`, so blocks never move. */
struct block {
    uint64_t address, executed;
};

struct chunk {
    struct chunk *older;
    size_t used;
    struct block blocks[CHUNK];
};

static struct chunk *newest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *out;
/* The system calls that write, if writes to stdout are marks: write and writev. */
static int64_t writes[2] = {-1, -1};

static struct block *new_block(uint64_t address)
{
    if (!newest || newest->used == CHUNK) {
        struct chunk *chunk = calloc(1, sizeof *chunk);
        if (!chunk) {
            fputs("count: no memory\n", stderr);
            exit(2);
        }
        chunk->older = newest;
        newest = chunk;
    }
    struct block *block = &newest->blocks[newest->used++];
    block->address = address;
    return block;
}

static void on_translation(plugin_id id, struct qemu_plugin_tb *tb)
{
    (void)id;
    pthread_mutex_lock(&lock);
    struct block *block = new_block(qemu_plugin_tb_vaddr(tb));
    pthread_mutex_unlock(&lock);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, &block->executed,
                                             qemu_plugin_tb_n_insns(tb));
}

static void report(uint64_t tag, uint64_t low, uint64_t high)
{
    uint64_t in = 0, all = 0;
    pthread_mutex_lock(&lock);
    for (struct chunk *chunk = newest; chunk; chunk = chunk->older)
        for (size_t n = 0; n < chunk->used; n++) {
            struct block *block = &chunk->blocks[n];
            all += block->executed;
            if (low <= block->address && block->address < high)
                in += block->executed;
            block->executed = 0;
        }
    pthread_mutex_unlock(&lock);
    fprintf(out, "count %" PRIu64 " in=%" PRIu64 " all=%" PRIu64 "\n", tag, in, all);
    fflush(out);
}

static void on_syscall(plugin_id id, unsigned cpu, int64_t number, uint64_t tag, uint64_t low,
                       uint64_t high, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7,
                       uint64_t a8)
{
    (void)id, (void)cpu, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number == MARK)
        report(tag, low, high);
    else if ((number == writes[0] || number == writes[1]) && tag == STDOUT)
        report(0, 0, 0);
}

static void on_exit_of_guest(plugin_id id, void *data)
{
    (void)id, (void)data;
    report(END, 0, 0);
}

int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
    for (int n = 0; n < argc; n++) {
        if (strcmp(argv[n], "writes=on") != 0) {
            fprintf(stderr, "count: unknown argument %s\n", argv[n]);
            return 1;
        }
        /* Numbers of Linux's system calls. */
        int is_x86 = strcmp(info->target_name, "x86_64") == 0;
        writes[0] = is_x86 ? 1 : 64;
        writes[1] = is_x86 ? 20 : 66;
    }
    const char *path = getenv("COUNT_OUT");
    out = path ? fopen(path, "a") : stderr;
    if (!out) {
        perror(path);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
    qemu_plugin_register_atexit_cb(id, on_exit_of_guest, NULL);
    return 0;
}
