#include "harness/sched/backtrace.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string_view>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"

namespace assay::sched {
namespace {

constexpr std::uint64_t largest_file = std::uint64_t{1} << 30;

std::string readable(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                         &std::free);
  return status == 0 && text ? text.get() : name;
}

// The functions of an ELF file by their address. A file that makes no sense has none: it may be a plugin's.
class Symbols {
 public:
  explicit Symbols(const fs::path& file) {
    try {
      if (fs::file_size(file) <= largest_file) read(MappedFile(file).bytes());
    } catch (const std::exception&) {
      functions_.clear();
    }
  }

  // "function + 0xn"
  std::optional<std::string> at(std::uint64_t address) const {
    auto next = functions_.upper_bound(address);
    if (next == functions_.begin()) return std::nullopt;
    const auto& [start, function] = *--next;
    if (address - start > function.size) return std::nullopt;  // a return address may be one past the end
    return fmt::format("{} + {:#x}", readable(function.name), address - start);
  }

 private:
  struct Function {
    std::uint64_t size;
    std::string name;
  };

  template <class Record>
  static std::vector<Record> records(std::span<const std::byte> bytes, std::uint64_t offset, std::uint64_t count) {
    if (offset > bytes.size() || count > (bytes.size() - offset) / sizeof(Record))
      throw Error(Fault::bad_input, "a cut ELF file");
    std::vector<Record> all(count);
    std::memcpy(all.data(), bytes.data() + offset, count * sizeof(Record));
    return all;
  }

  void read(std::span<const std::byte> bytes) {
    const Elf64_Ehdr head = records<Elf64_Ehdr>(bytes, 0, 1)[0];
    if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64) return;
    const auto sections = records<Elf64_Shdr>(bytes, head.e_shoff, head.e_shnum);
    for (const Elf64_Shdr& section : sections)
      if ((section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM) && section.sh_link < sections.size())
        take(bytes, section, sections[section.sh_link]);
  }

  void take(std::span<const std::byte> bytes, const Elf64_Shdr& table, const Elf64_Shdr& names) {
    const auto text = records<char>(bytes, names.sh_offset, names.sh_size);
    for (const Elf64_Sym& symbol : records<Elf64_Sym>(bytes, table.sh_offset, table.sh_size / sizeof(Elf64_Sym))) {
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_value == 0 || symbol.st_name >= text.size()) continue;
      const char* name = text.data() + symbol.st_name;
      functions_[symbol.st_value] = {symbol.st_size, std::string(name, ::strnlen(name, text.size() - symbol.st_name))};
    }
  }

  std::map<std::uint64_t, Function> functions_;
};

constexpr std::string_view hex_digits = "0123456789abcdef";

// A line of glibc's backtrace_symbols_fd.
struct Frame {
  std::string file, symbol;  // symbol: "" where the file exports none
  std::uint64_t offset = 0;  // from the symbol, or from where the file begins
};

bool is_hex(std::string_view text) {
  constexpr std::size_t most = 16;
  return !text.empty() && text.size() <= most && text.find_first_not_of(hex_digits) == std::string_view::npos;
}

// "/folder/file(symbol+0x1f)[0x7f00]"; no regular expression, for a plugin may have written the line.
std::optional<Frame> frame_of(std::string_view line) {
  constexpr std::string_view plus = "+0x", address = "[0x";
  const std::size_t open = line.find('('), close = line.find(')');
  if (line.empty() || line[0] != '/' || open == std::string_view::npos || close == std::string_view::npos || close < open)
    return std::nullopt;
  const std::string_view inside = line.substr(open + 1, close - open - 1);
  std::string_view rest = line.substr(close + 1);
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  const std::size_t at = inside.rfind(plus);
  if (at == std::string_view::npos || !is_hex(inside.substr(at + plus.size()))) return std::nullopt;
  if (!rest.starts_with(address) || !rest.ends_with(']') || rest.size() <= address.size()) return std::nullopt;
  if (!is_hex(rest.substr(address.size(), rest.size() - address.size() - 1))) return std::nullopt;
  const std::string_view symbol = inside.substr(0, at);
  if (symbol.find_first_of("(+") != std::string_view::npos) return std::nullopt;
  Frame frame{std::string(line.substr(0, open)), std::string(symbol), 0};
  frame.offset = std::strtoull(std::string(inside.substr(at + plus.size())).c_str(), nullptr, 16);
  return frame;
}

}  // namespace

std::string with_names(const std::string& log) {
  std::map<std::string, Symbols> files;
  std::istringstream lines(log);
  std::string text;
  for (std::string line; std::getline(lines, line); text += '\n') {
    const std::optional<Frame> frame = frame_of(line);
    std::optional<std::string> name;
    if (frame && !frame->symbol.empty()) name = fmt::format("{} + {:#x}", readable(frame->symbol), frame->offset);
    if (frame && !name) name = files.try_emplace(frame->file, frame->file).first->second.at(frame->offset);
    text += name ? fmt::format("  {} ({})", *name, fs::path(frame->file).filename().string()) : line;
  }
  if (!log.empty() && log.back() != '\n' && !text.empty()) text.pop_back();
  return text;
}

}  // namespace assay::sched
