(module (func (export "f") (param externref)) (func (export "g")))
