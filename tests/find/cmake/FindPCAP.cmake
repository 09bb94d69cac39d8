# As many projects have it: look for a header and a library, then see whether they link by themselves.

find_path(PCAP_ROOT_DIR NAMES include/pcap.h)
find_path(PCAP_INCLUDE_DIR NAMES pcap.h HINTS ${PCAP_ROOT_DIR}/include)
find_library(PCAP_LIBRARY NAMES pcap HINTS ${PCAP_ROOT_DIR}/lib)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(PCAP DEFAULT_MSG PCAP_LIBRARY PCAP_INCLUDE_DIR)

include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_INCLUDES ${PCAP_INCLUDE_DIR})
set(CMAKE_REQUIRED_LIBRARIES ${PCAP_LIBRARY})
check_c_source_compiles("
    #include <pcap.h>
    int main(void) { return pcap_datalink_name_to_val(\"EN10MB\"); }
" PCAP_LINKS_SOLO)

include(CheckFunctionExists)
check_function_exists(pcap_get_pfring_id HAVE_PF_RING)
check_function_exists(pcap_immediate_mode HAVE_PCAP_IMMEDIATE_MODE)
check_function_exists(pcap_set_immediate_mode HAVE_PCAP_SET_IMMEDIATE_MODE)
set(CMAKE_REQUIRED_INCLUDES)
set(CMAKE_REQUIRED_LIBRARIES)
