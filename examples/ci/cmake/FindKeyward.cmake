# Finds keyward, and makes tokens for tests.
#
#   find_package(Keyward REQUIRED)          Keyward_MODULE, the PKCS#11 library; Keyward_EXECUTABLE, the tool
#   keyward_token(NAME)                     a fixture NAME: an empty token labelled NAME, made anew for each run;
#                                           NAME_ENVIRONMENT is what tests on it need as ENVIRONMENT
#
# The library is loaded by the tests, not linked: there is no target for it.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_KEYWARD QUIET keyward)
  pkg_get_variable(PC_KEYWARD_MODULE_PATH keyward p11_module_path)
  pkg_get_variable(PC_KEYWARD_BINDIR keyward bindir)
endif()
find_library(Keyward_MODULE NAMES keyward HINTS ${PC_KEYWARD_MODULE_PATH} PATH_SUFFIXES pkcs11)
find_program(Keyward_EXECUTABLE NAMES keyward HINTS ${PC_KEYWARD_BINDIR})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Keyward
  REQUIRED_VARS Keyward_MODULE Keyward_EXECUTABLE VERSION_VAR PC_KEYWARD_VERSION)

function(keyward_token name)
  set(directory ${CMAKE_CURRENT_BINARY_DIR}/${name}.tokens)
  set(environment KEYWARD_DIR=${directory} KEYWARD_SOFT__KDF=fast PIN=648219 SO_PIN=39571604)
  add_test(NAME ${name}.clear COMMAND ${CMAKE_COMMAND} -E rm -rf ${directory})
  add_test(NAME ${name}.init
    COMMAND ${Keyward_EXECUTABLE} token init --label ${name} --pin-env PIN --so-pin-env SO_PIN)
  set_tests_properties(${name}.clear ${name}.init PROPERTIES FIXTURES_SETUP ${name})
  set_tests_properties(${name}.init PROPERTIES DEPENDS ${name}.clear ENVIRONMENT "${environment}")
  set(${name}_ENVIRONMENT "${environment}" PARENT_SCOPE)
endfunction()
