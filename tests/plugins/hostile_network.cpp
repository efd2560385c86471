// An attack that connects to a port of this machine; the test listens there.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/sdk.hpp"

struct Hostile {
  static constexpr assay::Info info{
      .id = "hostile-network", .version = "1.0.0", .summary = "connects to 127.0.0.1", .title = "", .baseline = true};
  std::int64_t port = 0;
  static constexpr auto params = assay::params(
      assay::integer("port", &Hostile::port, {.fallback = 1, .min = 1, .max = 65535, .doc = "to connect to"}));

  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
    if (connection >= 0 && ::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      assay::fail(ASSAY_INVALID, "reached the network");
    if (connection >= 0) ::close(connection);
    return batch.x;
  }
};

ASSAY_PLUGIN(Hostile)
