(assert_invalid (module (memory 1 1 shared)) "threads")
(assert_invalid (module (func (atomic.fence))) "threads")
