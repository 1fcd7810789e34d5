/* SPDX-License-Identifier: GPL-2.0-or-later
   (it is linked with Valgrind's core, which is under that licence)

   trace: a Valgrind tool that writes down every run of straight code that one thread executes, and its system calls.

   A run is what Valgrind translates as a block: instructions one after another up to the next that may jump. Runs are
   logged as they begin: an id stored into a buffer, nothing else, whichever thread it is and whether tracing is on or
   not; only the buffer of the traced thread is ever written out. What does not end where its block ends:
   - A repeated string instruction (rep movs) jumps to itself in Valgrind. It is a run of its own, and such a run that
     follows upon itself is the same execution: logged once.
   - A block may be left early (a compare-and-swap that starts over, a warning about floating point): the run is then
     replaced by the part of it that was executed. So is one that ends in a fault, when the signal is delivered.

   Switched over vgdb (or VALGRIND_MONITOR_COMMAND): on FILE | off. Each answers "ok" or "error: ...".

   The file, little-endian: "wbtrace1", then frames of a kind (4 bytes), a size (4) and so many bytes:
     1 runs    of 16 bytes each: address (8), bytes (4), instructions (4); ids count from 0 over all these frames
     2 stream  of 4-byte words: an id, or a system call when it returns: ffffffff, number, first argument (low and high
               half), result (low and high half; minus an errno), ffffffff. The one that the thread is in when
               tracing ends is written as interrupted (-4), which vgdb does to a thread that waits.
     3 end     number of stream words in the whole file (8), and how often string instructions were repeated beyond
               their one logged execution (8), as others count them: what has no such frame is not complete
   Not seen: the kernel, and CPU features Valgrind hides (AVX-512), whose library routines are then other ones. */

#include "pub_tool_hashtable.h"
#include "tool.h"

/* ---------- options ---------- */

static Bool process_option(const HChar* arg)
{
   if VG_STR_CLO(arg, "--thread", clo_thread) {}
   else return False;
   return True;
}

static void print_usage(void)
{
   VG_(printf)("    --thread=NAME               name of the one thread to trace\n");
}

static void print_debug_usage(void)
{
   VG_(printf)("    (none)\n");
}

/* ---------- runs ---------- */

typedef struct _Run {
   struct _Run* next;
   UWord address;
   UInt bytes;
   UInt instructions;
   UInt id;
   UChar lengths[];       /* bytes of each instruction */
} Run;

static VgHashTable* runs_by_address;
static Run** runs;        /* by id */
static UInt run_count;
static UInt run_capacity;

static Word compare_runs(const void* a, const void* b)
{
   const Run* one = a;
   const Run* other = b;
   return !(one->address == other->address && one->bytes == other->bytes && one->instructions == other->instructions);
}

/* The same code translated again is the same run. */
static const Run* find_or_add_run(Addr address, const UChar* lengths, UInt instructions)
{
   Run* run = VG_(calloc)("trace.run", 1, sizeof(Run) + instructions);
   run->address = address;
   run->instructions = instructions;
   VG_(memcpy)(run->lengths, lengths, instructions);
   for (UInt i = 0; i < instructions; i++) run->bytes += lengths[i];
   const Run* known = VG_(HT_gen_lookup)(runs_by_address, run, compare_runs);
   if (known) {
      VG_(free)(run);
      return known;
   }
   if (run_count == run_capacity) {
      run_capacity = run_capacity == 0 ? 1 << 16 : 2 * run_capacity;
      runs = VG_(realloc)("trace.runs", runs, run_capacity * sizeof(Run*));
   }
   run->id = run_count;
   runs[run_count++] = run;
   VG_(HT_add_node)(runs_by_address, run);
   return run;
}

/* ---------- buffers ---------- */

/* Generated code stores without looking at the end. The scheduler lets a thread run at most 100,000 blocks (2 words
   each) before it stops it, and only then is room made; memory never stored to costs nothing. */
#define CAPACITY (4u << 20)
#define ROOM_MADE_FROM (64u << 10)

#define ESCAPE 0xffffffffu

/* What came before is in the word before the cursor: the first word of a buffer is no entry. */
static UInt* log_words;   /* of the traced thread */
static UInt* log_end;     /* where it goes on */
static UInt* not_logged;  /* of everything else: overwritten from its start again and again */

/* Where the generated code of the running thread stores next. */
static UInt* cursor;
static Bool in_client_code;
static ULong repetitions;   /* of string instructions, since the running thread started */

static UInt* new_buffer(void)
{
   UInt* words = VG_(malloc)("trace.buffer", CAPACITY * sizeof(UInt));
   words[0] = ESCAPE;
   return words;
}

/* The last run did not get to its end: only what lies before `end` was executed. */
static VG_REGPARM(1) void cut_last_run(Addr end)
{
   if (cursor[-1] == ESCAPE) return;
   const Run* run = runs[cursor[-1]];
   Addr at = run->address;
   UInt instructions = 0;
   while (instructions < run->instructions && at < end) at += run->lengths[instructions++];
   if (at != end) return;
   if (instructions == 0) cursor--;
   else cursor[-1] = find_or_add_run(run->address, run->lengths, instructions)->id;
}

/* ---------- the file ---------- */

static ThreadId traced = VG_INVALID_THREADID;
static Bool tracing;
static Int file;
static UInt runs_written;
static ULong words_written;
static ULong repetitions_traced;
static const HChar* failure;   /* what went wrong since "on" */

/* The system call that each thread is in, by ThreadId. */
typedef struct {
   Bool is_open;
   UInt number;
   ULong argument;
} SystemCall;

static SystemCall* system_calls;

static void log_system_call(const SystemCall* call, Long result)
{
   UInt record[] = { ESCAPE, call->number, call->argument, call->argument >> 32, result, result >> 32, ESCAPE };
   VG_(memcpy)(log_end, record, sizeof(record));
   log_end += sizeof(record) / sizeof(UInt);
}

static void write_bytes(const void* bytes, SizeT size)
{
   const HChar* rest = bytes;
   while (size > 0 && !failure) {
      Int written = VG_(write)(file, rest, size);
      if (written <= 0) failure = "cannot write the trace; is the disk full?";
      rest += written;
      size -= written;
   }
}

static void write_frame_head(UInt kind, UInt size)
{
   UInt head[2] = { kind, size };
   write_bytes(head, sizeof(head));
}

static void write_runs(void)
{
   if (runs_written == run_count) return;
   write_frame_head(1, 16 * (run_count - runs_written));
   HChar records[16 * 1024];
   while (runs_written < run_count) {
      UInt size = 0;
      for (; size < sizeof(records) && runs_written < run_count; size += 16, runs_written++)
         VG_(memcpy)(records + size, &runs[runs_written]->address, 16);   /* address, bytes, instructions */
      write_bytes(records, size);
   }
}

/* Only while the traced thread runs no client code. */
static void write_log(void)
{
   UInt* first = log_words + 1;
   if (log_end == first) return;
   write_runs();
   write_frame_head(2, (log_end - first) * sizeof(UInt));
   write_bytes(first, (log_end - first) * sizeof(UInt));
   words_written += log_end - first;
   log_words[0] = log_end[-1];
   log_end = first;
}

static const HChar* start_tracing(const HChar* path)
{
   if (tracing) return "tracing is on already";
   ThreadId tid;
   const HChar* error = find_thread(&tid);
   if (error) return error;
   file = VG_(fd_open)(path, VKI_O_CREAT | VKI_O_TRUNC | VKI_O_WRONLY, VKI_S_IRUSR | VKI_S_IWUSR);
   if (file < 0) return "cannot write the trace file";
   tracing = True;
   traced = tid;
   failure = NULL;
   runs_written = 0;
   words_written = 0;
   repetitions_traced = 0;
   log_words[0] = ESCAPE;
   log_end = log_words + 1;
   write_bytes("wbtrace1", 8);
   return NULL;
}

static const HChar* stop_tracing(void)
{
   if (!tracing) return "tracing is not on";
   if (traced != VG_INVALID_THREADID && system_calls[traced].is_open) log_system_call(&system_calls[traced], -VKI_EINTR);
   write_log();
   const ULong totals[2] = { words_written, repetitions_traced };
   write_frame_head(3, sizeof(totals));
   write_bytes(totals, sizeof(totals));
   VG_(close)(file);
   tracing = False;
   traced = VG_INVALID_THREADID;
   return failure;
}

static Bool handle_command(const HChar* word, const HChar* argument, const HChar** error)
{
   if (VG_(strcmp)(word, "on") == 0) *error = argument ? start_tracing(argument) : "say where: on FILE";
   else if (VG_(strcmp)(word, "off") == 0) *error = stop_tracing();
   else return False;
   return True;
}

/* ---------- threads, system calls, signals ---------- */

static void on_start_client_code(ThreadId tid, ULong blocks_dispatched)
{
   note_thread(tid);
   if (tid == traced && log_end - log_words >= ROOM_MADE_FROM) write_log();
   cursor = tid == traced ? log_end : not_logged + 1;
   repetitions = 0;
   in_client_code = True;
}

static void on_stop_client_code(ThreadId tid, ULong blocks_dispatched)
{
   const UInt* buffer = tid == traced ? log_words : not_logged;
   tl_assert(cursor > buffer && cursor <= buffer + CAPACITY);
   in_client_code = False;
   if (tid != traced) return;
   log_end = cursor;
   repetitions_traced += repetitions;
}

/* A ThreadId is used again after its thread ended. */
static void on_thread_create(ThreadId parent, ThreadId child)
{
   system_calls[child].is_open = False;
   forget_thread(child);
}

static void on_thread_exit(ThreadId tid)
{
   if (tid != traced) return;
   traced = VG_INVALID_THREADID;
   failure = "the traced thread ended before tracing was off";
}

static void before_system_call(ThreadId tid, UInt number, UWord* arguments, UInt count)
{
   const SystemCall call = { True, number, arguments[0] };
   system_calls[tid] = call;
}

static void after_system_call(ThreadId tid, UInt number, UWord* arguments, UInt count, SysRes result)
{
   if (tid == traced) log_system_call(&system_calls[tid], sr_isError(result) ? -(Long)sr_Err(result) : (Long)sr_Res(result));
   system_calls[tid].is_open = False;
}

static Bool is_fault_signal(Int signal)
{
   return signal == VKI_SIGSEGV || signal == VKI_SIGBUS || signal == VKI_SIGFPE || signal == VKI_SIGILL || signal == VKI_SIGTRAP;
}

/* Only a fault comes in the middle of client code. Some faults are found by generated code itself (alignment) and come
   after it; they and signals of the same number that somebody sent cannot be told apart. */
static void before_signal(ThreadId tid, Int signal, Bool alternate_stack)
{
   if (in_client_code) {
      cut_last_run(VG_(get_IP)(tid));
   } else if (tid == traced && is_fault_signal(signal) && log_end > log_words + 1) {
      cursor = log_end;
      cut_last_run(VG_(get_IP)(tid));
      log_end = cursor;
   }
}

/* ---------- instrumentation ---------- */

static void store_id(IRSB* sb, IRTemp at, UInt id)
{
   addStmtToIRSB(sb, IRStmt_Store(Iend_LE, IRExpr_RdTmp(at), IRExpr_Const(IRConst_U32(id))));
}

static void move_cursor(IRSB* sb, IRTemp at, IRExpr* bytes)
{
   IRTemp next = assign(sb, Ity_I64, IRExpr_Binop(Iop_Add64, IRExpr_RdTmp(at), bytes));
   addStmtToIRSB(sb, IRStmt_Store(Iend_LE, address_of(&cursor), IRExpr_RdTmp(next)));
}

static void log_run(IRSB* sb, UInt id)
{
   IRTemp at = assign(sb, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, address_of(&cursor)));
   store_id(sb, at, id);
   move_cursor(sb, at, IRExpr_Const(IRConst_U64(sizeof(UInt))));
}

/* Stores the id, but steps over it only when the word before is another; counts a repetition when it is the same. */
static void log_run_once(IRSB* sb, UInt id)
{
   IRTemp at = assign(sb, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, address_of(&cursor)));
   IRTemp before_at = assign(sb, Ity_I64, IRExpr_Binop(Iop_Sub64, IRExpr_RdTmp(at), IRExpr_Const(IRConst_U64(sizeof(UInt)))));
   IRTemp before = assign(sb, Ity_I32, IRExpr_Load(Iend_LE, Ity_I32, IRExpr_RdTmp(before_at)));
   IRTemp differs = assign(sb, Ity_I1, IRExpr_Binop(Iop_CmpNE32, IRExpr_RdTmp(before), IRExpr_Const(IRConst_U32(id))));
   IRTemp one = assign(sb, Ity_I64, IRExpr_Unop(Iop_1Uto64, IRExpr_RdTmp(differs)));
   IRTemp bytes = assign(sb, Ity_I64, IRExpr_Binop(Iop_Shl64, IRExpr_RdTmp(one), IRExpr_Const(IRConst_U8(2))));
   IRTemp counted = assign(sb, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, address_of(&repetitions)));
   IRTemp as_new = assign(sb, Ity_I64, IRExpr_Binop(Iop_Add64, IRExpr_RdTmp(counted), IRExpr_Const(IRConst_U64(1))));
   IRTemp counting = assign(sb, Ity_I64, IRExpr_Binop(Iop_Sub64, IRExpr_RdTmp(as_new), IRExpr_RdTmp(one)));
   addStmtToIRSB(sb, IRStmt_Store(Iend_LE, address_of(&repetitions), IRExpr_RdTmp(counting)));
   store_id(sb, at, id);
   move_cursor(sb, at, IRExpr_RdTmp(bytes));
}

static void cut_when_left(IRSB* sb, IRExpr* left, Addr end)
{
   IRDirty* call = unsafeIRDirty_0_N(1, "cut_last_run", VG_(fnptr_to_fnentry)(cut_last_run),
      mkIRExprVec_1(IRExpr_Const(IRConst_U64(end))));
   call->guard = left;
   addStmtToIRSB(sb, IRStmt_Dirty(call));
}

/* Such an exit ends in a signal, where the run is cut. */
static Bool is_fault(IRJumpKind kind)
{
   return kind == Ijk_SigILL || kind == Ijk_SigTRAP || kind == Ijk_SigSEGV || kind == Ijk_SigBUS
       || kind == Ijk_SigFPE || kind == Ijk_SigFPE_IntDiv || kind == Ijk_SigFPE_IntOvf;
}

/* The instructions of a block, which follow each other without a gap. */
typedef struct {
   Addr address;
   UInt count;
   UChar lengths[256];
   Bool ends_repeated;    /* its last one is a repeated string instruction */
} Block;

static void read_block(const IRSB* sb, Block* block)
{
   Addr next = 0;
   VG_(memset)(block, 0, sizeof(Block));
   for (Int i = 0; i < sb->stmts_used; i++) {
      const IRStmt* statement = sb->stmts[i];
      if (statement->tag != Ist_IMark) continue;
      Addr address = statement->Ist.IMark.addr;
      UInt length = statement->Ist.IMark.len;
      if (block->count == 0) block->address = address;
      else tl_assert(address == next && !block->ends_repeated);
      tl_assert(block->count < sizeof(block->lengths) && length < 256);
      block->lengths[block->count++] = length;
      block->ends_repeated = is_repeated_string_instruction(address, length);
      next = address + length;
   }
}

static IRSB* instrument(VgCallbackClosure* closure, IRSB* in, const VexGuestLayout* layout,
                        const VexGuestExtents* extents, const VexArchInfo* host, IRType guest_word, IRType host_word)
{
   Block block;
   read_block(in, &block);
   if (block.count == 0) return in;
   UInt before_repeated = block.count - (block.ends_repeated ? 1 : 0);
   IRSB* out = deepCopyIRSBExceptStmts(in);
   Addr address = 0, next = 0;
   UInt seen = 0;
   Bool swaps = False;
   for (Int i = 0; i < in->stmts_used; i++) {
      IRStmt* statement = in->stmts[i];
      if (statement->tag == Ist_CAS) swaps = True;
      if (statement->tag == Ist_Exit && seen > 0 && !is_fault(statement->Ist.Exit.jk)) {
         Bool starts_over = swaps && statement->Ist.Exit.dst->Ico.U64 == address;
         if (starts_over) cut_when_left(out, statement->Ist.Exit.guard, address);
         else if (seen < block.count) cut_when_left(out, statement->Ist.Exit.guard, next);
      }
      addStmtToIRSB(out, statement);
      if (statement->tag != Ist_IMark) continue;
      address = statement->Ist.IMark.addr;
      next = address + statement->Ist.IMark.len;
      swaps = False;
      if (seen == 0 && before_repeated > 0) log_run(out, find_or_add_run(address, block.lengths, before_repeated)->id);
      if (seen == before_repeated) log_run_once(out, find_or_add_run(address, &block.lengths[seen], 1)->id);
      seen++;
   }
   return out;
}

/* ---------- life ---------- */

static void post_clo_init(void)
{
   keep_blocks_straight();
   init_threads();
   runs_by_address = VG_(HT_construct)("trace.runs_by_address");
   system_calls = VG_(calloc)("trace.system_calls", VG_N_THREADS, sizeof(SystemCall));
   log_words = new_buffer();
   not_logged = new_buffer();
   log_end = log_words + 1;
   cursor = not_logged + 1;
}

static void fini(Int exit_code)
{
   if (!tracing) return;
   const HChar* error = stop_tracing();
   if (error) VG_(umsg)("%s\n", error);
}

static void pre_clo_init(void)
{
   VG_(details_name)("trace");
   VG_(details_version)("1");
   VG_(details_description)("every run of straight code that a thread executes");
   VG_(details_copyright_author)("sidecar-workbench contributors");
   VG_(details_bug_reports_to)("the issue tracker of sidecar-workbench");
   VG_(basic_tool_funcs)(post_clo_init, instrument, fini);
   VG_(needs_command_line_options)(process_option, print_usage, print_debug_usage);
   VG_(needs_client_requests)(handle_client_request);
   VG_(needs_syscall_wrapper)(before_system_call, after_system_call);
   VG_(track_start_client_code)(on_start_client_code);
   VG_(track_stop_client_code)(on_stop_client_code);
   VG_(track_pre_thread_ll_create)(on_thread_create);
   VG_(track_pre_thread_ll_exit)(on_thread_exit);
   VG_(track_pre_deliver_signal)(before_signal);
}

VG_DETERMINE_INTERFACE_VERSION(pre_clo_init)
