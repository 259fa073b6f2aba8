# What `sam build` runs for each function and for the layer (`BuildMethod: makefile` in template.yaml). The folder that
# includes this file says for which architecture: `ContextPath` in template.yaml follows the parameter Architecture.
LAMBDA_BUILD := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))

build-%:
	@python="$$(sh $(LAMBDA_BUILD)find_python313.sh)" && exec "$$python" -I $(LAMBDA_BUILD)build_artifact.py $* $(ARCHITECTURE) "$(ARTIFACTS_DIR)"
