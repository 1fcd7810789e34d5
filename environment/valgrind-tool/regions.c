/* SPDX-License-Identifier: GPL-2.0-or-later
   (it is linked with Valgrind's core, which is under that licence)

   regions: a Valgrind tool that counts the exact number of instructions between anchors.

   An anchor is a function whose entry opens a region. Every thread has a shadow stack of the anchors that are
   active in it, and a calling-context tree keyed by the path of active anchors. Each instruction is charged to the
   node of the path it ran under, so the nodes of a thread sum exactly to what the thread executed while counting
   was on, and any grouping of anchors can be computed from the same dump later.

   How an anchor is entered and left is read from the stack pointer alone, so it works on stripped binaries:
   - entry: the first instruction of the anchor starts a block. The stack pointer points at the return address.
     Entries at or below it are gone (a tail call keeps the stack pointer: the new anchor replaces the old one).
   - exit: a block starts while the stack pointer is above the one at entry (return, exception, longjmp).
   Code that switches to another stack (coroutines, signals on an alternate stack) is not followed.

   Switched over vgdb (or VALGRIND_MONITOR_COMMAND): on | off | zero | dump FILE. Each answers "ok" or "error: ...".
   Not seen: the kernel, and CPU features Valgrind hides (AVX-512), whose library routines are then other ones.
   A repeated string instruction (rep movs) is one instruction however often it repeats, as the CPU counts it and unlike
   in callgrind. In Valgrind it jumps to itself. */

#include "pub_tool_aspacemgr.h"
#include "pub_tool_clientstate.h"
#include "pub_tool_hashtable.h"
#include "pub_tool_vkiscnums.h"
#include "tool.h"

/* ---------- options ---------- */

static const HChar* clo_anchors = NULL;
static const HChar* clo_dump_at_exit = NULL;
static Bool clo_count_from_start = False;

static Bool process_option(const HChar* arg)
{
   if VG_STR_CLO(arg, "--anchors", clo_anchors) {}
   else if VG_STR_CLO(arg, "--thread", clo_thread) {}
   else if VG_STR_CLO(arg, "--dump-at-exit", clo_dump_at_exit) {}
   else if VG_BOOL_CLO(arg, "--count-from-start", clo_count_from_start) {}
   else return False;
   return True;
}

static void print_usage(void)
{
   VG_(printf)(
"    --anchors=FILE              one anchor a line: address and file offset, hexadecimal\n"
"    --thread=NAME               name of the one thread to dump\n"
"    --count-from-start=no|yes   count before the first 'on' [no]\n"
"    --dump-at-exit=FILE         dump when the program ends\n"
   );
}

static void print_debug_usage(void)
{
   VG_(printf)("    (none)\n");
}

/* ---------- calling-context trees and shadow stacks ---------- */

typedef struct Node {
   struct Node* parent;
   struct Node* first_child;
   struct Node* sibling;
   UWord anchor;          /* address of the anchor as the anchors file gives it; 0 for the root */
   ULong calls;
   ULong instructions;
} Node;

typedef struct {
   Addr sp;               /* stack pointer at the anchor's first instruction */
   Node* node;
} Entry;

typedef struct {
   ULong instructions;    /* counted apart from the tree, to check the tree's sum */
   Node* root;
   Entry* stack;
   UInt depth;
   UInt capacity;
   ULong repeating;       /* address of the string instruction that ran last, 0 when another did */
} Thread;

static Thread* threads;   /* by ThreadId */
static Bool counting;

/* What the generated code of the running thread reads and adds to. */
static Thread* current;
static Addr top_sp;       /* of the innermost anchor; the highest address when there is none */
static ULong* node_counter;
static ULong* thread_counter;
static ULong* repeating;
static ULong not_counted;

static Node* new_node(Node* parent, UWord anchor)
{
   Node* node = VG_(calloc)("regions.node", 1, sizeof(Node));
   node->parent = parent;
   node->anchor = anchor;
   if (parent) {
      node->sibling = parent->first_child;
      parent->first_child = node;
   }
   return node;
}

static Node* child_of(Node* parent, UWord anchor)
{
   for (Node* child = parent->first_child; child; child = child->sibling)
      if (child->anchor == anchor) return child;
   return new_node(parent, anchor);
}

static Node* innermost(const Thread* thread)
{
   return thread->depth > 0 ? thread->stack[thread->depth - 1].node : thread->root;
}

static void point_at_innermost(void)
{
   top_sp = current->depth > 0 ? current->stack[current->depth - 1].sp : ~(Addr)0;
   node_counter = counting ? &innermost(current)->instructions : &not_counted;
   thread_counter = counting ? &current->instructions : &not_counted;
}

/* A block starts above the innermost anchor's entry: that anchor has been left. */
static VG_REGPARM(1) void leave_anchors(Addr sp)
{
   while (current->depth > 0 && current->stack[current->depth - 1].sp < sp) current->depth--;
   point_at_innermost();
}

static VG_REGPARM(2) void enter_anchor(UWord anchor, Addr sp)
{
   while (current->depth > 0 && current->stack[current->depth - 1].sp <= sp) current->depth--;
   Node* node = child_of(innermost(current), anchor);
   if (counting) node->calls++;
   if (current->depth == current->capacity) {
      current->capacity = current->capacity == 0 ? 64 : 2 * current->capacity;
      current->stack = VG_(realloc)("regions.stack", current->stack, current->capacity * sizeof(Entry));
   }
   current->stack[current->depth].sp = sp;
   current->stack[current->depth].node = node;
   current->depth++;
   point_at_innermost();
}

static void on_start_client_code(ThreadId tid, ULong blocks_dispatched)
{
   current = &threads[tid];
   if (!current->root) current->root = new_node(NULL, 0);
   repeating = &current->repeating;
   note_thread(tid);
   point_at_innermost();
}

static void on_thread_create(ThreadId parent, ThreadId child)
{
   forget_thread(child);
   VG_(memset)(&threads[child], 0, sizeof(Thread));
}

/* ---------- anchors ---------- */

typedef struct _AnchorAt {
   struct _AnchorAt* next;
   UWord loaded_at;       /* address in this process */
   UWord address;         /* address in the anchors file */
} AnchorAt;

static VgHashTable* anchors;

static HChar* read_whole_file(const HChar* path)
{
   SysRes opened = VG_(open)(path, VKI_O_RDONLY, 0);
   if (sr_isError(opened)) {
      VG_(fmsg)("cannot read the anchors file %s; check --anchors\n", path);
      VG_(exit)(1);
   }
   Int fd = sr_Res(opened), got;
   SizeT size = 0, capacity = 1 << 16;
   HChar* text = VG_(malloc)("regions.file", capacity);
   while ((got = VG_(read)(fd, text + size, capacity - size - 1)) > 0) {
      size += got;
      if (size + 1 == capacity) text = VG_(realloc)("regions.file", text, capacity *= 2);
   }
   VG_(close)(fd);
   text[size] = 0;
   return text;
}

static void refuse_anchors(UInt line)
{
   VG_(fmsg)("%s:%u: not an anchor; a line is an address and a file offset, hexadecimal\n", clo_anchors, line);
   VG_(exit)(1);
}

/* Where the byte at `offset` of the client's executable is mapped as code, 0 when nowhere. Works alike for
   position-independent executables and others. */
static Addr loaded_address(Off64T offset, const struct vg_stat* executable, const Addr* starts, Int count)
{
   for (Int i = 0; i < count; i++) {
      const NSegment* segment = VG_(am_find_nsegment)(starts[i]);
      if (!segment || !segment->hasX) continue;
      if (segment->ino != executable->ino || segment->dev != executable->dev) continue;
      if (offset >= segment->offset && offset - segment->offset <= (Off64T)(segment->end - segment->start))
         return segment->start + (offset - segment->offset);
   }
   return 0;
}

static void load_anchors(void)
{
   Addr starts[4096];
   struct vg_stat executable;
   anchors = VG_(HT_construct)("regions.anchors");
   if (!clo_anchors) return;
   if (sr_isError(VG_(stat)(VG_(args_the_exename), &executable))) {
      VG_(fmsg)("cannot stat the program %s; give its path\n", VG_(args_the_exename));
      VG_(exit)(1);
   }
   Int count = VG_(am_get_segment_starts)(SkFileC, starts, 4096);
   tl_assert(count >= 0);
   HChar* text = read_whole_file(clo_anchors);
   HChar* rest = text;
   for (UInt line = 1; *rest; line++) {
      HChar* end = rest;
      ULong address = VG_(strtoull16)(rest, &end);
      if (end == rest || *end != ' ') refuse_anchors(line);
      rest = end + 1;
      ULong offset = VG_(strtoull16)(rest, &end);
      if (end == rest || (*end != ' ' && *end != '\n')) refuse_anchors(line);
      Addr at = loaded_address(offset, &executable, starts, count);
      if (at == 0) {
         VG_(fmsg)("%s:%u: file offset 0x%llx of %s is not mapped as code; the anchors are of another binary\n",
                   clo_anchors, line, offset, VG_(args_the_exename));
         VG_(exit)(1);
      }
      AnchorAt* anchor = VG_(calloc)("regions.anchor", 1, sizeof(AnchorAt));
      anchor->loaded_at = at;
      anchor->address = address;
      VG_(HT_add_node)(anchors, anchor);
      while (*end && *end != '\n') end++;   /* labels after the two numbers are for people */
      rest = *end ? end + 1 : end;
   }
   VG_(free)(text);
}

/* ---------- instrumentation ---------- */

static IRTemp load_pointer(IRSB* sb, ULong** pointer)
{
   return assign(sb, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, address_of(pointer)));
}

static void add_to_counter(IRSB* sb, ULong** counter, IRExpr* instructions)
{
   IRTemp pointer = load_pointer(sb, counter);
   IRTemp before = assign(sb, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, IRExpr_RdTmp(pointer)));
   IRTemp after = assign(sb, Ity_I64, IRExpr_Binop(Iop_Add64, IRExpr_RdTmp(before), instructions));
   addStmtToIRSB(sb, IRStmt_Store(Iend_LE, IRExpr_RdTmp(pointer), IRExpr_RdTmp(after)));
}

static void add_to_both(IRSB* sb, IRExpr* instructions)
{
   add_to_counter(sb, &node_counter, instructions);
   add_to_counter(sb, &thread_counter, deepCopyIRExpr(instructions));
}

/* Charges what ran since the last call; placed before every way out of the block. */
static void charge(IRSB* sb, UInt* instructions)
{
   if (*instructions == 0) return;
   add_to_both(sb, IRExpr_Const(IRConst_U64(*instructions)));
   *instructions = 0;
}

static void note_repeating(IRSB* sb, Addr address)
{
   addStmtToIRSB(sb, IRStmt_Store(Iend_LE, IRExpr_RdTmp(load_pointer(sb, &repeating)), IRExpr_Const(IRConst_U64(address))));
}

/* Charges a string instruction with which a block begins, unless it is on its way to its next repetition. */
static void charge_unless_repeating(IRSB* sb, Addr address)
{
   IRTemp last = assign(sb, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, IRExpr_RdTmp(load_pointer(sb, &repeating))));
   IRTemp differs = assign(sb, Ity_I1, IRExpr_Binop(Iop_CmpNE64, IRExpr_RdTmp(last), IRExpr_Const(IRConst_U64(address))));
   IRTemp one = assign(sb, Ity_I64, IRExpr_Unop(Iop_1Uto64, IRExpr_RdTmp(differs)));
   add_to_both(sb, IRExpr_RdTmp(one));
}

static void follow_stack(IRSB* sb, const VexGuestLayout* layout, Addr block)
{
   IRTemp sp = assign(sb, Ity_I64, IRExpr_Get(layout->offset_SP, Ity_I64));
   const AnchorAt* anchor = VG_(HT_lookup)(anchors, block);
   if (anchor) {
      addStmtToIRSB(sb, IRStmt_Dirty(unsafeIRDirty_0_N(2, "enter_anchor", VG_(fnptr_to_fnentry)(enter_anchor),
         mkIRExprVec_2(IRExpr_Const(IRConst_U64(anchor->address)), IRExpr_RdTmp(sp)))));
      return;
   }
   IRTemp top = assign(sb, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, address_of(&top_sp)));
   IRTemp left = assign(sb, Ity_I1, IRExpr_Binop(Iop_CmpLT64U, IRExpr_RdTmp(top), IRExpr_RdTmp(sp)));
   IRDirty* call = unsafeIRDirty_0_N(1, "leave_anchors", VG_(fnptr_to_fnentry)(leave_anchors),
      mkIRExprVec_1(IRExpr_RdTmp(sp)));
   call->guard = IRExpr_RdTmp(left);
   addStmtToIRSB(sb, IRStmt_Dirty(call));
}

static IRSB* instrument(VgCallbackClosure* closure, IRSB* in, const VexGuestLayout* layout,
                        const VexGuestExtents* extents, const VexArchInfo* host, IRType guest_word, IRType host_word)
{
   if (!anchors) load_anchors();
   IRSB* out = deepCopyIRSBExceptStmts(in);
   UInt instructions = 0;
   Bool first = True;
   for (Int i = 0; i < in->stmts_used; i++) {
      IRStmt* statement = in->stmts[i];
      if (statement->tag == Ist_Exit) charge(out, &instructions);
      addStmtToIRSB(out, statement);
      if (statement->tag != Ist_IMark) continue;
      Addr address = statement->Ist.IMark.addr;
      Bool is_repeated = is_repeated_string_instruction(address, statement->Ist.IMark.len);
      if (first) follow_stack(out, layout, address);
      if (first && is_repeated) charge_unless_repeating(out, address);
      else instructions++;
      if (first || is_repeated) note_repeating(out, is_repeated ? address : 0);
      first = False;
   }
   charge(out, &instructions);
   return out;
}

/* ---------- dump ---------- */

/* Nodes are numbered in the order they are written, parents first; the root is number 0. */
static UInt dump_node(VgFile* file, const Node* node, UInt parent, UInt number)
{
   VG_(fprintf)(file, "node %u %lx %llu %llu\n", parent, node->anchor, node->calls, node->instructions);
   UInt next = number + 1;
   for (const Node* child = node->first_child; child; child = child->sibling)
      next = dump_node(file, child, number, next);
   return next;
}

/* Returns NULL, or what went wrong. */
static const HChar* dump(const HChar* path)
{
   ThreadId tid;
   const HChar* error = find_thread(&tid);
   if (error) return error;
   const Thread* found = &threads[tid];
   VgFile* file = VG_(fopen)(path, VKI_O_CREAT | VKI_O_TRUNC | VKI_O_WRONLY, VKI_S_IRUSR | VKI_S_IWUSR);
   if (!file) return "cannot write the dump file";
   VG_(fprintf)(file, "regions 1\nthread %s\ninstructions %llu\n", clo_thread, found->instructions);
   UInt nodes = dump_node(file, found->root, 0, 0);
   VG_(fprintf)(file, "end %u\n", nodes);
   VG_(fclose)(file);
   return NULL;
}

static void zero_tree(Node* node)
{
   node->calls = 0;
   node->instructions = 0;
   for (Node* child = node->first_child; child; child = child->sibling) zero_tree(child);
}

/* Nodes stay: shadow stacks point at them. */
static void zero(void)
{
   for (UInt tid = 1; tid < VG_N_THREADS; tid++) {
      threads[tid].instructions = 0;
      if (threads[tid].root) zero_tree(threads[tid].root);
   }
}

/* ---------- commands ---------- */

static Bool handle_command(const HChar* word, const HChar* argument, const HChar** error)
{
   if (VG_(strcmp)(word, "on") == 0 || VG_(strcmp)(word, "off") == 0) {
      counting = word[1] == 'n';
      if (current) point_at_innermost();
   } else if (VG_(strcmp)(word, "zero") == 0) {
      zero();
   } else if (VG_(strcmp)(word, "dump") == 0) {
      *error = argument ? dump(argument) : "say where: dump FILE";
   } else {
      return False;
   }
   return True;
}

/* ---------- life ---------- */

static void post_clo_init(void)
{
   /* Calls and returns must start a block, or anchors would be entered and left unseen. */
   keep_blocks_straight();
   init_threads();
   threads = VG_(calloc)("regions.threads", VG_N_THREADS, sizeof(Thread));
   counting = clo_count_from_start;
}

static void fini(Int exit_code)
{
   if (!clo_dump_at_exit) return;
   const HChar* error = dump(clo_dump_at_exit);
   if (error) VG_(umsg)("%s\n", error);
}

static void pre_clo_init(void)
{
   VG_(details_name)("regions");
   VG_(details_version)("1");
   VG_(details_description)("exact instructions between anchors");
   VG_(details_copyright_author)("sidecar-workbench contributors");
   VG_(details_bug_reports_to)("the issue tracker of sidecar-workbench");
   VG_(basic_tool_funcs)(post_clo_init, instrument, fini);
   VG_(needs_command_line_options)(process_option, print_usage, print_debug_usage);
   VG_(needs_client_requests)(handle_client_request);
   VG_(track_start_client_code)(on_start_client_code);
   VG_(track_pre_thread_ll_create)(on_thread_create);
}

VG_DETERMINE_INTERFACE_VERSION(pre_clo_init)
