{{/* Renders a file of policies and bindings, with the namespaces that are excluded here: call with
     the context and the path. A selector of theirs on kubernetes.io/metadata.name with NotIn gets
     this installation's list; nothing else is changed. */}}
{{- define "pillion.policies" -}}
{{- $context := index . 0 -}}
{{- $excluded := include "pillion.excludedNamespaces" $context | fromJsonArray -}}
{{- $text := $context.Files.Get (index . 1) -}}
{{- range $text | replace "\r\n" "\n" | splitList "\n---\n" }}
{{- $object := fromYaml . }}
{{- if $object.kind }}
{{- $spec := $object.spec }}
{{- range list $spec.matchConstraints $spec.matchResources }}
{{- range dig "namespaceSelector" "matchExpressions" list (. | default dict) }}
{{- if and (eq .key "kubernetes.io/metadata.name") (eq .operator "NotIn") }}
{{- $_ := set . "values" $excluded }}
{{- end }}
{{- end }}
{{- end }}
---
apiVersion: {{ $object.apiVersion }}
kind: {{ $object.kind }}
metadata:
  name: {{ $object.metadata.name }}
  {{- include "pillion.metadata" (list $context $object.metadata.labels $object.metadata.annotations) | nindent 2 }}
spec:
  {{- toYaml $spec | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}
