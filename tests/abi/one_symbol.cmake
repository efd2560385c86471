# cmake -DNM=nm -DPLUGIN=x.so -P one_symbol.cmake: the library defines assay_plugin_v0 and nothing else.
execute_process(COMMAND "${NM}" -D --defined-only "${PLUGIN}" OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
string(STRIP "${text}" text)
if(NOT text MATCHES "^[0-9a-f]+ [A-Z] assay_plugin_v0$")
  message(FATAL_ERROR "${PLUGIN} exports\n${text}")
endif()
