/**
 * Writes a C++ program that logs through spdlog the way Envoy does and holds what makes recovering names hard:
 * inlined helpers that log, lambdas, templates and header functions, overloads, several bases, destructors,
 * identical functions that the linker folds, and tables of functions next to virtual tables.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';

const header = `
#pragma once
#include <spdlog/spdlog.h>
#include <functional>
#include <memory>
#include <string>
#include <vector>
spdlog::logger& logger();
// As Envoy's ENVOY_LOG: the level is compared at the place of the statement, and the place is passed on.
#define LOG(LEVEL, ...) do { if (logger().level() <= spdlog::level::LEVEL) \\
  logger().log(::spdlog::source_loc{__FILE__, __LINE__, __func__}, spdlog::level::LEVEL, __VA_ARGS__); } while (0)

class Handler {
public:
  virtual ~Handler() = default;
  virtual int handle(int x) = 0;
  virtual int measure(int x) = 0;
  virtual int idle(int x) { return x * 7 + 3; }
  virtual int idleLogged(int x) { LOG(debug, "idle {}", x); return x ^ 99; }
};
class Listener {
public:
  virtual ~Listener() = default;
  virtual int onEvent(int x) = 0;
  virtual int onClose(int x) { return x - 1; }
};
template <class T> T convert(T x) { LOG(info, "convert {}", x); return x * x + 1; }
inline int clampLogged(int x) { if (x > 1000) { LOG(warn, "clamped {}", x); return 1000; } return x; }
`;

const main = (modules: number) => `
#include "log.h"
spdlog::logger& logger() { static auto it = spdlog::default_logger(); return *it; }
${range(modules).map((m) => `namespace mod${m} { int run(int); }`).join('\n')}
int main(int argc, char**) {
  int sum = 0;
  ${range(modules).map((m) => `sum += mod${m}::run(argc + ${m});`).join('\n  ')}
  return sum == 42;
}
`;

/** One source file: `classes` worker classes and the free functions around them. */
function moduleSource(m: number, classes: number): string {
  const ids = range(classes).map((c) => c + m * classes);
  return `
#include "log.h"
namespace mod${m} {
namespace {
${ids.map((k) => `int quietHelper${k}(int x) { for (int i = 0; i < ${k % 5}; i++) x = x * ${k + 3} + i; return x; }
int loggedHelper${k}(int x) { LOG(debug, "helper ${k} {}", x); return x + ${k}; }
class Local${k} : public Listener { public: int onEvent(int x) override { LOG(trace, "local {} {}", x, ${k}); return x * ${k + 2}; } };`).join('\n')}
}
${ids.map((k) => workerClass(k)).join('\n')}
${ids.map((k) => freeFunctions(k)).join('\n')}
using Operation = int (*)(int);
extern const Operation operations[] = {${ids.map((k) => `&free${k}, &quiet${k}`).join(', ')}};
int run(int x) {
  LOG(info, "run {}", x);
  int sum = operations[x % ${2 * classes}](x);
${ids.map((k) => `  sum += use${k}(x);`).join('\n')}
  return sum;
}
}
`;
}

const workerClass = (k: number) => `
class Worker${k} : public ${k % 3 === 0 ? 'Listener, public Handler' : k % 3 === 1 ? 'Handler' : 'Handler, public Listener'} {
public:
  explicit Worker${k}(int x);
  ~Worker${k}() override;
  int handle(int x) override;
  int measure(int x) override;
  ${k % 3 === 1 ? 'virtual ' : ''}int onEvent(int x)${k % 3 === 1 ? '' : ' override'};
  virtual int drive(int x);
  virtual int same(int x);
  int overloaded(int x);
  int overloaded(const std::string& text);
  bool operator==(const Worker${k}& other) const;
  virtual int fold(int x);
private:
  int step(int x);
  int state_;
};
Worker${k}::Worker${k}(int x) : state_(x) { LOG(debug, "made {}", x); }
Worker${k}::~Worker${k}() { LOG(debug, "gone {}", state_); }
int Worker${k}::handle(int x) { LOG(debug, "handle {} {}", x, state_); state_ = quietHelper${k}(x); if (state_ < ${k}) LOG(err, "negative {}", state_); return state_; }
int Worker${k}::measure(int x) { return state_ * ${k + 11} + x; }
int Worker${k}::onEvent(int x) { LOG(info, "event {}", std::string(static_cast<size_t>(x & 7), 'e')); return x + state_; }
int Worker${k}::step(int x) { LOG(trace, "step {} {} {}", x, state_, "of many"); return x / ${k + 1} + state_; }
int Worker${k}::drive(int x) { int sum = state_; for (int i = 0; i < x; i++) sum += ${k % 2 === 0 ? 'step(i)' : `clampLogged(i * ${k})`}; return sum; }
int Worker${k}::same(int x) { return (x ^ 0x5555) * 3; }
int Worker${k}::fold(int x) { return (x >> 3) + 17; }
int Worker${k}::overloaded(int x) { LOG(debug, "number {}", x); return x + 1; }
int Worker${k}::overloaded(const std::string& text) { LOG(debug, "text {}", text); return static_cast<int>(text.size()) + ${k}; }
bool Worker${k}::operator==(const Worker${k}& other) const { LOG(debug, "compare {}", other.state_); return state_ == other.state_; }
${k % 4 === 0 ? `class Special${k} final : public Worker${k} { public: using Worker${k}::Worker${k}; int measure(int x) override { LOG(debug, "special {}", x); return x; } int same(int x) override { return x * ${k + 5}; } };` : ''}`;

const freeFunctions = (k: number) => `
int free${k}(int x) { LOG(debug, "free {}", x); ${k % 2 === 0 ? `if (x > 3) return loggedHelper${k}(x);` : ''} return convert(x + ${k}); }
int quiet${k}(int x) { ${k % 2 === 1 ? `if (x > 4) return loggedHelper${k}(x) * 2;` : ''} return x - ${k}; }
std::function<int(int)> callback${k}(int y) { return [y](int x) { LOG(debug, "called {} {}", x, y); return x * y + ${k}; }; }
int use${k}(int x) {
  std::unique_ptr<${k % 4 === 0 ? 'Special' : 'Worker'}${k}> worker(new ${k % 4 === 0 ? 'Special' : 'Worker'}${k}(x));
  std::unique_ptr<Listener> local(new Local${k}());
  int sum = worker->handle(x) + worker->measure(x) + worker->onEvent(x) + worker->drive(x) + worker->same(x) + worker->fold(x);
  sum += worker->overloaded(x) + worker->overloaded(std::to_string(x)) + (*worker == Worker${k}(x + 1));
  sum += worker->idle(x) + worker->idleLogged(x) + local->onEvent(x) + local->onClose(x) + callback${k}(x)(sum);
  return sum + static_cast<int>(convert(static_cast<double>(x)));
}`;

/**
 * Writes the sources into a folder.
 * @returns their file names, to be compiled each on its own.
 */
export function writeLogProgram(folder: string, modules = 4, classesPerModule = 12): string[] {
  fs.mkdirSync(folder, { recursive: true });
  const files = { 'main.cc': main(modules), ...Object.fromEntries(range(modules).map((m) => [`module${m}.cc`, moduleSource(m, classesPerModule)])) };
  fs.writeFileSync(path.join(folder, 'log.h'), header);
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), text);
  return Object.keys(files);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
