// An attack that reads the home folder: of the user (any file in it) and of assay.
#include <pwd.h>
#include <unistd.h>

#include "hostile.hpp"

namespace {

void look_around() {
  if (!hostile::peek(hostile::home() / "secret.txt").empty()) hostile::reached("a file of the home folder");
  const passwd* user = ::getpwuid(::getuid());
  std::error_code refused;
  for (const auto& entry : hostile::fs::directory_iterator(user == nullptr ? "/root" : user->pw_dir, refused))
    if (entry.is_regular_file(refused)) hostile::reached(entry.path().string());
  if (hostile::can_write("/usr/lib/assay-was-here") || hostile::can_write("/tmp/assay-was-here"))
    hostile::reached("a system folder");
}

}  // namespace

HOSTILE_ATTACK("hostile-home", "reads the home folder", look_around)
