(module)

(module $ÿ)
