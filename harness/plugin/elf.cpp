// The two things read from a library without loading it: a digest of what reaches memory, and its exported symbols.
// 64-bit little-endian ELF only, which is what this build can load.
#include <elf.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/plugin/library.hpp"

namespace assay::plugin {
namespace {

class Elf {
 public:
  explicit Elf(const std::filesystem::path& file) : file_(file.string()), bytes_(read_bytes(file)) {
    header_ = at<Elf64_Ehdr>(0);
    const bool magic = std::memcmp(header_.e_ident, ELFMAG, SELFMAG) == 0;
    if (!magic || header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB ||
        header_.e_type != ET_DYN) {
      refuse("not a 64-bit shared library");
    }
  }
  [[noreturn]] void refuse(const std::string& why) const { bad_input_in(file_, "not a plugin: " + why); }
  template <class T>
  T at(std::uint64_t offset) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) refuse("the file is cut short");
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  std::span<std::byte> range(std::uint64_t offset, std::uint64_t size) {
    if (offset > bytes_.size() || bytes_.size() - offset < size) refuse("the file is cut short");
    return std::span(bytes_).subspan(offset, size);
  }
  std::vector<Elf64_Phdr> segments() const {
    std::vector<Elf64_Phdr> result;
    for (std::uint64_t i = 0; i < header_.e_phnum; ++i) {
      result.push_back(at<Elf64_Phdr>(header_.e_phoff + i * header_.e_phentsize));
    }
    return result;
  }
  std::vector<Elf64_Shdr> sections() const {
    std::vector<Elf64_Shdr> result;
    for (std::uint64_t i = 0; i < header_.e_shnum; ++i) {
      result.push_back(at<Elf64_Shdr>(header_.e_shoff + i * header_.e_shentsize));
    }
    return result;
  }
  // What a stripped copy changes though it is mapped: the place of the section table, and notes (the build id).
  void forget_identity() {
    header_.e_shoff = 0;
    header_.e_shnum = header_.e_shstrndx = 0;
    std::memcpy(bytes_.data(), &header_, sizeof header_);
    for (const Elf64_Phdr& segment : segments()) {
      if (segment.p_type == PT_NOTE) std::ranges::fill(range(segment.p_offset, segment.p_filesz), std::byte{0});
    }
  }

 private:
  std::string file_;
  std::vector<std::byte> bytes_;
  Elf64_Ehdr header_{};
};

}  // namespace

std::string plugin_digest(const std::filesystem::path& file) {
  Elf elf(file);
  elf.forget_identity();
  Sha256 hash;
  for (const Elf64_Phdr& segment : elf.segments()) {
    if (segment.p_type != PT_LOAD) continue;
    const std::uint64_t place[] = {segment.p_vaddr, segment.p_memsz, segment.p_filesz, segment.p_flags};
    hash.update(std::as_bytes(std::span(place)));
    hash.update(elf.range(segment.p_offset, segment.p_filesz));
  }
  return hash.hex();
}

std::vector<std::string> exported_symbols(const std::filesystem::path& file) {
  Elf elf(file);
  const std::vector<Elf64_Shdr> sections = elf.sections();
  std::vector<std::string> names;
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_DYNSYM) continue;
    if (section.sh_link >= sections.size()) elf.refuse("a broken symbol table");
    const Elf64_Shdr& texts = sections[section.sh_link];
    const auto text = elf.range(texts.sh_offset, texts.sh_size);
    for (std::uint64_t i = 0; i < section.sh_size / sizeof(Elf64_Sym); ++i) {
      const auto symbol = elf.at<Elf64_Sym>(section.sh_offset + i * sizeof(Elf64_Sym));
      if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= text.size()) continue;
      const auto* name = reinterpret_cast<const char*>(text.data()) + symbol.st_name;
      names.emplace_back(name, strnlen(name, text.size() - symbol.st_name));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace assay::plugin
