# As others have it: hints from pkg-config, flags from pcap-config, then a list of what may be missing.

find_package(PkgConfig)
pkg_search_module(PC_PCAP libpcap)
find_path(LIBPCAP_INCLUDE_DIR NAMES pcap/pcap.h HINTS ${PC_PCAP_INCLUDEDIR})
find_library(LIBPCAP_LIBRARY NAMES pcap HINTS ${PC_PCAP_LIBDIR})

find_program(PCAP_CONFIG NAMES pcap-config)
foreach(option cflags libs additional-libs)
    execute_process(COMMAND ${PCAP_CONFIG} --static --${option}
        OUTPUT_VARIABLE LIBPCAP_CONFIG_${option} OUTPUT_STRIP_TRAILING_WHITESPACE
        RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "pcap-config --static --${option}: ${result}")
    endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibPcap REQUIRED_VARS LIBPCAP_LIBRARY LIBPCAP_INCLUDE_DIR
    VERSION_VAR PC_PCAP_VERSION)

include(CheckSymbolExists)
set(CMAKE_REQUIRED_INCLUDES ${LIBPCAP_INCLUDE_DIR})
set(CMAKE_REQUIRED_LIBRARIES ${LIBPCAP_LIBRARY})
foreach(function pcap_create pcap_freecode pcap_free_datalinks pcap_lib_version pcap_setsampling
        pcap_set_tstamp_precision pcap_set_tstamp_type bpf_image)
    check_symbol_exists(${function} "pcap/pcap.h" HAVE_${function})
    if(NOT HAVE_${function})
        message(FATAL_ERROR "${function} is missing")
    endif()
endforeach()
set(CMAKE_REQUIRED_INCLUDES)
set(CMAKE_REQUIRED_LIBRARIES)

if(LibPcap_FOUND AND NOT TARGET LibPcap::LibPcap)
    add_library(LibPcap::LibPcap UNKNOWN IMPORTED)
    set_target_properties(LibPcap::LibPcap PROPERTIES
        IMPORTED_LOCATION ${LIBPCAP_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${LIBPCAP_INCLUDE_DIR})
endif()
