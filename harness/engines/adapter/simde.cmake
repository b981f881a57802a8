# The headers with which WAMR's interpreter executes vectors, where Debian's libsimde-dev has them.
set(FETCHCONTENT_SOURCE_DIR_SIMDE /usr/include CACHE PATH "")
