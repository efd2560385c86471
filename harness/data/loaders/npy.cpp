// NumPy's .npy: a magic, a header that is a Python dictionary, and raw numbers.
#include "harness/data/loaders/npy.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "harness/base/error.hpp"

namespace assay::data {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t most_dims = 16;

struct Header {
  std::string descr;
  bool fortran = false;
  std::vector<std::int64_t> shape;
  std::size_t data = 0;  // where the numbers begin
};

// The dictionary that numpy writes: three keys, in any order.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {}

  Header parse() {
    expect('{');
    while (!peek('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") header_.descr = quoted();
      else if (key == "fortran_order") header_.fortran = flag();
      else if (key == "shape") shape();
      else refuse("unknown key '" + key + "' in the header");
      ++keys_;
      if (!peek(',')) break;
      expect(',');
    }
    expect('}');
    if (keys_ != 3 || header_.descr.empty()) refuse("the header lacks descr, fortran_order or shape");
    return header_;
  }

  [[noreturn]] void refuse(const std::string& what) const { bad_input_in(origin_, what); }

 private:
  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool peek(char c) {
    blanks();
    return at_ < text_.size() && text_[at_] == c;
  }
  void expect(char c) {
    if (!peek(c)) refuse(std::string("expected '") + c + "' in the header");
    ++at_;
  }
  std::string quoted() {
    blanks();
    const char quote = peek('"') ? '"' : '\'';
    if (!peek(quote)) refuse("expected one type of plain numbers; found a table or an object (save it with dtype=float32)");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) refuse("a quote of the header is not closed");
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }
  bool flag() {
    blanks();
    const bool yes = text_.substr(at_, 4) == "True";
    if (!yes && text_.substr(at_, 5) != "False") refuse("fortran_order is neither True nor False");
    at_ += yes ? 4 : 5;
    return yes;
  }
  void shape() {
    expect('(');
    while (!peek(')')) {
      std::int64_t extent = -1;
      const auto [end, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), extent);
      if (code != std::errc() || extent < 0) refuse("the shape is not a list of sizes");
      at_ = static_cast<std::size_t>(end - text_.data());
      header_.shape.push_back(extent);
      if (header_.shape.size() > most_dims) refuse("more than " + std::to_string(most_dims) + " dimensions");
      if (!peek(',')) break;
      expect(',');
    }
    expect(')');
  }

  std::string_view text_;
  const std::string& origin_;
  std::size_t at_ = 0;
  int keys_ = 0;
  Header header_;
};

Header read_header(Bytes bytes, const std::string& origin) {
  const auto at = [&](std::size_t i) { return std::to_integer<std::size_t>(bytes[i]); };
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.substr(0, magic.size()) != magic || bytes.size() < 12) bad_input_in(origin, "no .npy array");
  const std::size_t major = at(6);
  if (major < 1 || major > 3) bad_input_in(origin, ".npy version " + std::to_string(major) + "; expected 1, 2 or 3");
  const std::size_t length = major == 1 ? at(8) | at(9) << 8 : at(8) | at(9) << 8 | at(10) << 16 | at(11) << 24;
  const std::size_t start = major == 1 ? 10 : 12;
  if (length > bytes.size() - start) bad_input_in(origin, "the header is cut");
  Header header = HeaderParser(text.substr(start, length), origin).parse();
  header.data = start + length;
  return header;
}

struct Kind {
  const char* descr;
  const char* dtype;   // of Array; "" where integers are widened to I64
  std::size_t bytes;
};
constexpr Kind kinds[] = {{"<f4", "F32", 4}, {"<f8", "F64", 8}, {"<i8", "I64", 8}, {"<i4", "I32", 4}, {"|u1", "U8", 1},
                          {"|i1", "I8", 1},  {"|b1", "BOOL", 1}, {"<i2", "", 2},   {"<u2", "", 2},    {"<u4", "", 4},
                          {"<u8", "", 8}};

const Kind& kind_of(const std::string& descr, const std::string& origin) {
  for (const Kind& kind : kinds)
    if (descr == kind.descr) return kind;
  const std::string found = descr.substr(0, 12);
  bad_input_in(origin, "numbers of type '" + found + "'; expected float32, float64, bool or integers, little-endian");
}

// The number at `from` of a widened type.
std::int64_t widened(const std::byte* from, const Kind& kind, const std::string& origin) {
  std::uint64_t value = 0;
  for (std::size_t i = kind.bytes; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(from[i]);
  if (kind.descr[1] == 'i') return static_cast<std::int16_t>(static_cast<std::uint16_t>(value));
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    bad_input_in(origin, "an integer above 2^63 - 1");
  return static_cast<std::int64_t>(value);
}

// Elements in C order from elements in Fortran order.
std::vector<std::byte> reordered(Bytes data, const std::vector<std::int64_t>& shape, std::size_t size) {
  std::vector<std::byte> out(data.size());
  std::vector<std::size_t> stride(shape.size(), 1), index(shape.size(), 0);
  for (std::size_t d = 1; d < shape.size(); ++d) stride[d] = stride[d - 1] * static_cast<std::size_t>(shape[d - 1]);
  std::size_t from = 0;
  for (std::size_t to = 0; to < data.size(); to += size) {
    std::memcpy(out.data() + to, data.data() + from * size, size);
    for (std::size_t d = shape.size(); d-- > 0;) {
      from += stride[d];
      if (++index[d] < static_cast<std::size_t>(shape[d])) break;
      from -= index[d] * stride[d];
      index[d] = 0;
    }
  }
  return out;
}

std::uint64_t elements(const std::vector<std::int64_t>& shape, std::size_t left, const std::string& origin) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::uint64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (static_cast<std::uint64_t>(extent) > left / count) bad_input_in(origin, "fewer numbers than its shape says");
    count *= static_cast<std::uint64_t>(extent);
  }
  return count;
}

}  // namespace

Array parse_npy(Bytes bytes, const std::string& origin) {
  const Header header = read_header(bytes, origin);
  const Kind& kind = kind_of(header.descr, origin);
  const std::size_t left = bytes.size() - header.data;
  const std::uint64_t count = elements(header.shape, left, origin);
  if (count * kind.bytes != left)
    bad_input_in(origin, std::to_string(left) + " bytes of numbers, its shape needs " + std::to_string(count * kind.bytes));
  Array out;
  out.shape = header.shape;
  out.dtype = *kind.dtype == '\0' ? "I64" : kind.dtype;
  const Bytes data = bytes.subspan(header.data);
  out.bytes = header.fortran && header.shape.size() > 1 ? reordered(data, header.shape, kind.bytes)
                                                        : std::vector<std::byte>(data.begin(), data.end());
  if (*kind.dtype != '\0') return out;
  std::vector<std::int64_t> wide(count);
  for (std::size_t i = 0; i < wide.size(); ++i) wide[i] = widened(out.bytes.data() + i * kind.bytes, kind, origin);
  return Array::i64(out.shape, wide);
}

std::vector<std::byte> npy_bytes(const Array& array) {
  const auto kind = std::find_if(std::begin(kinds), std::end(kinds), [&](const Kind& k) { return array.dtype == k.dtype; });
  if (kind == std::end(kinds)) bad_input("an array of " + array.dtype + " has no NumPy type");
  std::string header = std::string("{'descr': '") + kind->descr + "', 'fortran_order': False, 'shape': (";
  for (const std::int64_t extent : array.shape) header += std::to_string(extent) + ", ";
  if (array.shape.size() > 1) header.resize(header.size() - 2);
  if (array.shape.size() == 1) header.resize(header.size() - 1);
  header += "), }";
  constexpr std::size_t before = 10, align = 64;  // so that the numbers begin at a multiple of 64, as NumPy has it
  header += std::string(align - (before + header.size() + 1) % align, ' ') + "\n";
  std::string out = std::string(magic) + '\x01' + '\0';
  out += static_cast<char>(header.size() & 0xff);
  out += static_cast<char>(header.size() >> 8);
  out += header;
  std::vector<std::byte> bytes(out.size() + array.bytes.size());
  std::memcpy(bytes.data(), out.data(), out.size());
  if (!array.bytes.empty()) std::memcpy(bytes.data() + out.size(), array.bytes.data(), array.bytes.size());
  return bytes;
}

}  // namespace assay::data
