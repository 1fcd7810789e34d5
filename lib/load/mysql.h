/*
 * MySQL's client side for generator.c: login without a password, then the same statement again and again, as text
 * (COM_QUERY) or prepared once a connection and executed (COM_STMT_EXECUTE). Facts: MySQL's "Client/Server Protocol".
 * None of the protocol's later options is asked for: an EOF packet ends the columns of an answer, another its rows.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#define MYSQL_SEND_MAX 4096
#define MYSQL_KEPT 64      /* bytes of a packet that are looked at */
#define MYSQL_PARAMETER 7  /* what the `?` of a prepared statement stands for: a user's id */

typedef enum { GREETING, LOGIN_ANSWER, PREPARE_ANSWER, PREPARE_COLUMNS, READY, FIRST, COLUMNS, ROWS } MysqlStage;

typedef struct {
  MysqlStage stage;
  unsigned char head[4], payload[MYSQL_KEPT];
  size_t head_len, length, taken; /* of the packet under way: bytes of its header, of its payload, and how many came */
  int lists_left;                 /* of parameters and columns that follow a prepared statement's first packet */
  uint32_t statement;
  int parameters;
} Mysql;

typedef enum { MYSQL_MORE, MYSQL_SEND, MYSQL_DONE, MYSQL_FAILED, MYSQL_FOREIGN } MysqlResult;

static size_t mysql_packet(char *out, int sequence, size_t length) {
  out[0] = length & 0xff;
  out[1] = length >> 8 & 0xff;
  out[2] = length >> 16 & 0xff;
  out[3] = sequence;
  return length + 4;
}

static void mysql_number(char *out, uint32_t n) {
  for (int i = 0; i < 4; i++) out[i] = n >> 8 * i & 0xff;
}

/* A command with a text: COM_QUERY (3) or COM_STMT_PREPARE (0x16). */
static size_t mysql_command(char *out, int command, const char *text) {
  size_t length = strlen(text);
  out[4] = command;
  memcpy(out + 5, text, length);
  return mysql_packet(out, 0, length + 1);
}

static size_t mysql_execute(char *out, const Mysql *m) {
  memset(out, 0, 64);
  out[4] = 0x17;
  mysql_number(out + 5, m->statement);
  out[10] = 1; /* one iteration, without a cursor */
  if (m->parameters == 0) return mysql_packet(out, 0, 10);
  out[15] = 1; /* types follow */
  out[16] = 3; /* a 32-bit number */
  mysql_number(out + 18, MYSQL_PARAMETER);
  return mysql_packet(out, 0, 18);
}

/* User and database have the account's name. */
static size_t mysql_login(char *out, int sequence, const char *account) {
  enum { LONG_PASSWORD = 1, WITH_DATABASE = 8, PROTOCOL_41 = 1 << 9, TRANSACTIONS = 1 << 13, SECURE = 1 << 15, PLUGIN = 1 << 19 };
  memset(out, 0, 36);
  mysql_number(out + 4, LONG_PASSWORD | WITH_DATABASE | PROTOCOL_41 | TRANSACTIONS | SECURE | PLUGIN);
  mysql_number(out + 8, 1 << 24); /* the longest packet */
  out[12] = 45;                   /* utf8mb4 */
  size_t name = strlen(account) + 1, at = 36;
  memcpy(out + at, account, name);
  at += name;
  out[at++] = 0; /* no password */
  memcpy(out + at, account, name);
  at += name;
  const char *plugin = "mysql_native_password";
  memcpy(out + at, plugin, strlen(plugin) + 1);
  return mysql_packet(out, sequence, at + strlen(plugin) + 1 - 4);
}

static bool mysql_is_eof(const Mysql *m) { return m->payload[0] == 0xfe && m->length < 9; }

/*
 * What a whole packet means. MYSQL_SEND: `out` holds `*out_len` bytes to be sent. MYSQL_DONE: the login or the answer is
 * complete. MYSQL_FAILED: the server refused. MYSQL_FOREIGN: this is not MySQL.
 */
static MysqlResult mysql_understand(Mysql *m, const char *account, const char *prepare, char *out, size_t *out_len) {
  int kind = m->length ? m->payload[0] : -1, sequence = (m->head[3] + 1) & 0xff;
  if (kind == 0xff) return MYSQL_FAILED;
  switch (m->stage) {
    case GREETING:
      if (kind != 10) return MYSQL_FOREIGN;
      *out_len = mysql_login(out, sequence, account);
      m->stage = LOGIN_ANSWER;
      return MYSQL_SEND;
    case LOGIN_ANSWER:
      if (kind == 0xfe) {
        *out_len = mysql_packet(out, sequence, 0); /* another method: no password there either */
        return MYSQL_SEND;
      }
      if (kind != 0) return MYSQL_FOREIGN;
      m->stage = prepare ? PREPARE_ANSWER : READY;
      if (!prepare) return MYSQL_DONE;
      *out_len = mysql_command(out, 0x16, prepare);
      return MYSQL_SEND;
    case PREPARE_ANSWER:
      if (kind != 0 || m->length < 12) return MYSQL_FOREIGN;
      m->statement = m->payload[1] | m->payload[2] << 8 | m->payload[3] << 16 | (uint32_t)m->payload[4] << 24;
      m->parameters = m->payload[7] | m->payload[8] << 8;
      m->lists_left = ((m->payload[5] | m->payload[6]) != 0) + (m->parameters != 0);
      m->stage = m->lists_left ? PREPARE_COLUMNS : READY;
      return m->lists_left ? MYSQL_MORE : MYSQL_DONE;
    case PREPARE_COLUMNS:
      if (!mysql_is_eof(m) || --m->lists_left > 0) return MYSQL_MORE;
      m->stage = READY;
      return MYSQL_DONE;
    case FIRST:
      if (kind == 0xfb || kind < 0) return MYSQL_FOREIGN; /* the server asks for a file: never here */
      if (kind == 0) return MYSQL_DONE;                   /* an answer without rows */
      m->stage = COLUMNS;
      return MYSQL_MORE;
    case COLUMNS:
      if (mysql_is_eof(m)) m->stage = ROWS;
      return MYSQL_MORE;
    case ROWS:
      return mysql_is_eof(m) ? MYSQL_DONE : MYSQL_MORE;
    case READY:
      break;
  }
  return MYSQL_FOREIGN;
}

/* Takes bytes up to the end of a packet at most. Returns how many; *whole says whether it is complete. */
static size_t mysql_take(Mysql *m, const char *at, size_t size, bool *whole) {
  size_t used = 0;
  while (m->head_len < sizeof m->head && used < size) m->head[m->head_len++] = at[used++];
  *whole = false;
  if (m->head_len < sizeof m->head) return used;
  m->length = m->head[0] | m->head[1] << 8 | m->head[2] << 16;
  size_t piece = m->length - m->taken < size - used ? m->length - m->taken : size - used;
  for (size_t i = 0; i < piece && m->taken + i < MYSQL_KEPT; i++) m->payload[m->taken + i] = at[used + i];
  m->taken += piece;
  if (m->taken == m->length) {
    *whole = true;
    m->head_len = m->taken = 0;
  }
  return used + piece;
}
