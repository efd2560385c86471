# find_package(assay) gives the target assay::sdk (the headers a plugin sees) and assay_add_plugin().

####### Expanded from @PACKAGE_INIT@ by configure_package_config_file() #######
####### Any changes to this file will be overwritten by the next CMake run ####
####### The input file was assayConfig.cmake.in                            ########

get_filename_component(PACKAGE_PREFIX_DIR "${CMAKE_CURRENT_LIST_DIR}/../../../" ABSOLUTE)

macro(set_and_check _var _file)
  set(${_var} "${_file}")
  if(NOT EXISTS "${_file}")
    message(FATAL_ERROR "File or directory ${_file} referenced by variable ${_var} does not exist !")
  endif()
endmacro()

macro(check_required_components _NAME)
  foreach(comp ${${_NAME}_FIND_COMPONENTS})
    if(NOT ${_NAME}_${comp}_FOUND)
      if(${_NAME}_FIND_REQUIRED_${comp})
        set(${_NAME}_FOUND FALSE)
      endif()
    endif()
  endforeach()
endmacro()

####################################################################################
if(NOT TARGET assay::sdk)
  add_library(assay::sdk INTERFACE IMPORTED)
  set_target_properties(assay::sdk PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${PACKAGE_PREFIX_DIR}/include")
endif()
set(ASSAY_INCLUDE_DIR "${PACKAGE_PREFIX_DIR}/include")
set(ASSAY_PROGRAM "${PACKAGE_PREFIX_DIR}/bin/assay")
include("${CMAKE_CURRENT_LIST_DIR}/AssayPlugin.cmake")
