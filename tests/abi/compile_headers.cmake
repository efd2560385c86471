# cmake -DCOMPILER=... -DLANGUAGE=c -DSTANDARD=c11 -DHEADERS=a;b -DINCLUDE=dir -P compile_headers.cmake
foreach(header ${HEADERS})
  execute_process(
    COMMAND "${COMPILER}" -x ${LANGUAGE} -std=${STANDARD} -Wall -Wextra -Wpedantic -Wpadded -Werror -fsyntax-only "-I${INCLUDE}"
            -include "${header}" /dev/null
    RESULT_VARIABLE code ERROR_VARIABLE text)
  if(code)
    message(FATAL_ERROR "${header} as ${STANDARD}:\n${text}")
  endif()
endforeach()
