/* SPDX-License-Identifier: GPL-2.0-or-later
   (it is linked with Valgrind's core, which is under that licence)

   What our tools share: finding a thread by its name, commands over vgdb, and small IR helpers. Each tool is one source
   file, so these are static. */

#ifndef TOOL_H
#define TOOL_H

#include "pub_tool_basics.h"
#include "pub_tool_gdbserver.h"
#include "pub_tool_libcassert.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_options.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_tooliface.h"
#include "pub_tool_vki.h"
#include "valgrind.h"

/* ---------- threads by name ---------- */

/* --thread=NAME, an option of every tool. */
static const HChar* clo_thread = NULL;

/* The kernel's id of each thread, by ThreadId; 0 for one that has run nothing yet. */
static Int* lwps;

static void init_threads(void)
{
   lwps = VG_(calloc)("tool.lwps", VG_N_THREADS, sizeof(Int));
}

/* To be called by the thread itself, as it starts client code. */
static void note_thread(ThreadId tid)
{
   if (lwps[tid] == 0) lwps[tid] = VG_(gettid)();
}

/* A ThreadId is used again after its thread ended. */
static void forget_thread(ThreadId tid)
{
   lwps[tid] = 0;
}

static Bool has_name(Int lwp, const HChar* name)
{
   HChar path[64], comm[64];
   if (lwp == 0) return False;
   VG_(sprintf)(path, "/proc/self/task/%d/comm", lwp);
   Int fd = VG_(fd_open)(path, VKI_O_RDONLY, 0);
   if (fd < 0) return False;
   Int got = VG_(read)(fd, comm, sizeof(comm) - 1);
   VG_(close)(fd);
   if (got <= 0) return False;
   comm[comm[got - 1] == '\n' ? got - 1 : got] = 0;
   return VG_(strcmp)(comm, name) == 0;
}

/* The one live thread named with --thread. Returns NULL, or what went wrong. */
static const HChar* find_thread(ThreadId* found)
{
   *found = VG_INVALID_THREADID;
   if (!clo_thread) return "no thread named; start with --thread=NAME";
   for (UInt tid = 1; tid < VG_N_THREADS; tid++) {
      if (!has_name(lwps[tid], clo_thread)) continue;
      if (*found != VG_INVALID_THREADID) return "more than one thread has the name given with --thread";
      *found = tid;
   }
   return *found == VG_INVALID_THREADID ? "no live thread has the name given with --thread" : NULL;
}

/* ---------- commands ---------- */

/* The tool's own: carries out a command given over vgdb or VALGRIND_MONITOR_COMMAND.
   argument: what follows the word, NULL when nothing does.
   error: NULL when it went well.
   Returns False for a word that is not the tool's. */
static Bool handle_command(const HChar* word, const HChar* argument, const HChar** error);

/* Answers "ok" or "error: ...". */
static Bool handle_client_request(ThreadId tid, UWord* args, UWord* result)
{
   HChar* save;
   const HChar* error = NULL;
   if (args[0] != VG_USERREQ__GDB_MONITOR_COMMAND) return False;
   *result = 0;
   const HChar* word = VG_(strtok_r)((HChar*)args[1], " ", &save);
   if (!word || !handle_command(word, VG_(strtok_r)(NULL, "\n", &save), &error)) return False;
   if (error) VG_(gdb_printf)("error: %s\n", error);
   else VG_(gdb_printf)("ok\n");
   *result = 1;
   return True;
}

/* ---------- intermediate code ---------- */

static IRTemp assign(IRSB* sb, IRType type, IRExpr* value)
{
   IRTemp temp = newIRTemp(sb->tyenv, type);
   addStmtToIRSB(sb, IRStmt_WrTmp(temp, value));
   return temp;
}

static IRExpr* address_of(const void* variable)
{
   return IRExpr_Const(IRConst_U64((UWord)variable));
}

/* Intel's manual, volume 2, "REP": movs, cmps, stos, lods, scas, ins, outs after a prefix f2 or f3. */
static Bool is_repeated_string_instruction(Addr address, UInt length)
{
   const UChar* bytes = (const UChar*)address;
   Bool repeated = False;
   UInt i = 0;
   for (; i < length && (bytes[i] == 0xf2 || bytes[i] == 0xf3 || bytes[i] == 0x66 || bytes[i] == 0x67
                         || bytes[i] == 0x64 || bytes[i] == 0x65 || bytes[i] == 0x2e || bytes[i] == 0x36
                         || bytes[i] == 0x3e || bytes[i] == 0x26); i++)
      if (bytes[i] == 0xf2 || bytes[i] == 0xf3) repeated = True;
   if (i < length && (bytes[i] & 0xf0) == 0x40) i++;   /* REX */
   if (!repeated || i + 1 != length) return False;
   UChar code = bytes[i];
   return (code >= 0x6c && code <= 0x6f) || (code >= 0xa4 && code <= 0xa7) || (code >= 0xaa && code <= 0xaf);
}

/* Calls and returns must end a block, and no block may repeat its instructions. */
static void keep_blocks_straight(void)
{
   VG_(clo_vex_control).guest_chase = False;
   VG_(clo_vex_control).iropt_unroll_thresh = 0;
}

#endif
