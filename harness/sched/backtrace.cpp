#include "harness/sched/backtrace.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <span>
#include <sstream>
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

}  // namespace

std::string with_names(const std::string& log) {
  static const std::regex frame(R"(^(/[^()]+)\(([^()+]*)\+0x([0-9a-f]+)\) ?\[0x[0-9a-f]+\]$)");
  std::map<std::string, Symbols> files;
  std::istringstream lines(log);
  std::string text;
  for (std::string line; std::getline(lines, line); text += '\n') {
    std::smatch parts;
    if (line.size() > 4096 || line.find(")[0x") == std::string::npos || !std::regex_match(line, parts, frame)) {
      text += line;
      continue;
    }
    const std::string file = parts[1], symbol = parts[2];
    const std::uint64_t offset = std::strtoull(parts[3].str().c_str(), nullptr, 16);
    std::optional<std::string> name;
    if (!symbol.empty()) name = fmt::format("{} + {:#x}", readable(symbol), offset);
    if (!name) name = files.try_emplace(file, file).first->second.at(offset);
    text += name ? fmt::format("  {} ({})", *name, fs::path(file).filename().string()) : line;
  }
  if (!log.empty() && log.back() != '\n' && !text.empty()) text.pop_back();
  return text;
}

}  // namespace assay::sched
